"""Fields of CORS that a web server sets by hand: `cors` of rpx says them all."""

from __future__ import annotations

from rpx.moving.draft import Written

# The word of `cors` for each, "" for what backends may say themselves.
CORS_FIELDS = {
    "access-control-allow-origin": "origins",
    "access-control-allow-methods": "methods",
    "access-control-allow-headers": "headers",
    "access-control-allow-credentials": "credentials",
    "access-control-max-age": "max_age",
    "access-control-expose-headers": "",
}


def add_to_cors(cors: Written, name: str, value: str) -> None:
    """Put one field into the words of `cors`. A value with a variable is whatever is asked for."""
    variable = "$" in value or "{" in value
    match CORS_FIELDS[name.lower()]:
        case "origins" as word:
            cors[word] = ["*"] if variable or value == "*" else [value]
        case ("methods" | "headers") as word:
            listed = [part.strip() for part in value.split(",") if part.strip()]
            if not variable and listed != ["*"]:
                cors[word] = listed
        case "credentials" as word:
            cors[word] = value.lower() == "true"
        case "max_age" as word if value.isdigit():
            cors[word] = f"{value}s"
        case _:
            pass


def whole_cors(cors: Written) -> Written | None:
    """What a route says; None where no field of CORS was set."""
    if not cors:
        return None
    return cors if cors.get("origins") else {**cors, "origins": ["*"]}


def take_cors(response: Written) -> tuple[Written, Written | None]:
    """Rules for fields of answers without those of CORS, and what `cors` says in their place."""
    cors: Written = {}
    found: Written = {}
    for verb, said in response.items():
        if not isinstance(said, dict):
            found[verb] = said
            continue
        for name, value in said.items():
            if name.lower() in CORS_FIELDS and isinstance(value, str):
                add_to_cors(cors, name, value)
            else:
                found.setdefault(verb, {})[name] = value
    return found, whole_cors(cors)
