# Runs inside the sandbox, before the checkers that use it.


def _say(kind, error, isinstance=isinstance, missing_module=ModuleNotFoundError, str=str, type=type):
    """One line about an exception, whatever the exception does when it is looked at, and whatever became of the built-in
    functions since this was defined."""
    try:
        missing = error.name if isinstance(error, missing_module) else None
        if isinstance(missing, str):
            return "missing " + missing
        return kind + " " + type(error).__name__ + ": " + str(error)[:200]
    except BaseException:
        return kind + " an exception that cannot be shown"


