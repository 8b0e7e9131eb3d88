# Runs inside the sandbox, mode clean of CRUXEval's input prediction: reads a generated call as data.

import ast as _ast


def _call_parts(text):
    node = _ast.parse(text.strip(), mode="eval").body
    if not (isinstance(node, _ast.Call) and isinstance(node.func, _ast.Name) and node.func.id == "f"):
        raise ValueError("not a single call of f")
    if any(isinstance(argument, _ast.Starred) for argument in node.args) or any(k.arg is None for k in node.keywords):
        raise ValueError("starred arguments")
    return node.args, node.keywords


def _evaluated_call(text):
    """The call with each argument replaced by the repr of its value."""
    arguments, keywords = _call_parts(text)
    value = lambda node: repr(eval(compile(_ast.Expression(node), "<argument>", "eval"), {}))
    parts = [value(node) for node in arguments] + [k.arg + "=" + value(k.value) for k in keywords]
    return "f(" + ", ".join(parts) + ")"


def _literal_call(function, text):
    """Calls the function with literal arguments: nothing of the text is executed."""
    arguments, keywords = _call_parts(text)
    return function(
        *[_ast.literal_eval(node) for node in arguments],
        **{k.arg: _ast.literal_eval(k.value) for k in keywords},
    )
