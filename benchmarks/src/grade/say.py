# Runs inside the sandbox, before the checkers that use it.


def _say(kind, error):
    """One line about an exception, whatever the exception does when it is looked at."""
    try:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        if isinstance(missing, str):
            return "missing " + missing
        return kind + " " + type(error).__name__ + ": " + str(error)[:200]
    except BaseException:
        return kind + " an exception that cannot be shown"


