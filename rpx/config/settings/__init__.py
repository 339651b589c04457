"""The settings of rpx.yaml, cut by subject: each file has what may be written, in which shorthands,
what that means as a noun, and the words for it.

A setting is added in one place here, with its noun and its Python type beside it:

1. A line in the model of its subject, `health_check.py` for one of `health_check`:
   `attempts: Maybe[Count] = setting("how often a check is repeated")`. A new kind of value is an
   Annotated type above it: a validator that takes every way to write it, and a Kind, which says the
   same ways as a form of JSON Schema (`forms.py`).
2. A field of the same name in the noun (`rpx.model.config.HealthCheck`), with its default. What is
   written goes there by its name (`Written.written`); where it means something else than what it
   says, the subject's file builds it (`https_of`, `dependencies`) or, with what must be known of
   the whole file, `config/build.py`.
3. A key of the same name in `rpx.python.keys` or `service_keys`, a row in docs/configuration.md
   and a line in rpx.yaml.example.

A mapping of settings that is new is a file here, and one such line in the model that it stands in.
What belongs to the project as a whole is also in `rpx.policy.reload_plan`: it holds at once, or
from the next run.

Nothing else has a list of settings: where one may stand, what it is mistaken for, what `defaults`,
the top level and a pool take from a proxy, and the JSON Schema follow from the models. Tests
compare the keys, the rows and the example with them, and name what is missing.
"""
