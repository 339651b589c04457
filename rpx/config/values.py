"""Single values as they may be written: the types of the schema, each with its shorthand."""

from __future__ import annotations

from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictInt

from rpx.config import addresses, changing, shorthand
from rpx.model.address import Location
from rpx.model.config import Reload, Stdin, Strategy, Whom

T = TypeVar("T")

Maybe = Annotated[T | None, BeforeValidator(shorthand.given)]
Needed = Annotated[T, BeforeValidator(shorthand.given)]

Count = Annotated[StrictInt, Field(ge=1)]
Port = Annotated[StrictInt, BeforeValidator(shorthand.port)]
Seconds = Annotated[float, BeforeValidator(shorthand.seconds)]
Milliseconds = Annotated[float, BeforeValidator(shorthand.milliseconds)]
Wait = Annotated[Seconds, Field(gt=0)]
Size = Annotated[int, BeforeValidator(shorthand.size)]
Name = Annotated[str, BeforeValidator(shorthand.name)]
Profiles = Annotated[tuple[Name, ...], BeforeValidator(shorthand.several)]
Route = Annotated[str, BeforeValidator(addresses.route)]
Located = Annotated[Location, BeforeValidator(addresses.address)]
LocatedUrl = Annotated[Location, BeforeValidator(addresses.url)]
Command = Annotated[str | tuple[str, ...], BeforeValidator(shorthand.command)]
Variable = Annotated[str, BeforeValidator(shorthand.variable)]
Value = Annotated[str | None, BeforeValidator(shorthand.env_value)]
Env = Annotated[dict[Variable, Value], BeforeValidator(shorthand.env)]
Policy = Annotated[Literal["no", "on-failure", "always"], BeforeValidator(shorthand.policy)]
Pattern = Annotated[str, BeforeValidator(shorthand.pattern)]
Condition = Annotated[
    Literal["started", "healthy", "completed"], BeforeValidator(shorthand.condition)
]
Addressee = Annotated[Whom, BeforeValidator(shorthand.stop_signal_to)]
Input = Annotated[Stdin, BeforeValidator(shorthand.stdin)]
Signal = Annotated[int, BeforeValidator(shorthand.stop_signal)]
ExitCode = Annotated[StrictInt, Field(ge=0, le=255)]
ExitCodes = Annotated[tuple[ExitCode, ...], BeforeValidator(shorthand.several)]
Way = Annotated[Strategy, BeforeValidator(shorthand.strategy)]
WhenToReload = Annotated[Reload, BeforeValidator(changing.reload)]
Patterns = Annotated[tuple[str, ...], BeforeValidator(changing.patterns)]
Instances = Annotated[StrictInt, BeforeValidator(shorthand.instances)]
Statuses = Annotated[tuple[tuple[int, int], ...], BeforeValidator(shorthand.statuses)]


TrustedProxies = Annotated[
    tuple[Annotated[str, BeforeValidator(addresses.network)], ...],
    BeforeValidator(shorthand.listed),
]


class Written(BaseModel):
    """Nothing is accepted and ignored."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def written(self) -> dict[str, Any]:
        """Only what was written, by field name."""
        return self.model_dump(exclude_unset=True)
