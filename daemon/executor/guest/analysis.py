"""Program analysis on Python's own syntax tree: nothing that is analysed is ever executed.

`analyse(operation, payload)` takes and returns JSON: `{"ok": value}` or `{"error": {"exception", "message"}}`. The
operations are the keys of `OPERATIONS`; payloads hold the analysed text as `source`. The module runs on CPython 3.11 to
3.14; where their trees or printed sources differ, the guest's version decides.

Cyclomatic complexity and Halstead numbers follow radon 6.0, cognitive complexity follows complexipy 2.1. The rules are
written from the behaviour of the two tools, oddities included, and agree with them on the standard library. All of it
is one file because the guest is built from a short list of files.
"""

import ast
import json
import math
import re
import warnings

# Longest source, and longest serialised tree, that are looked at, in characters.
MAX_SOURCE_CHARS = 200_000
MAX_TREE_CHARS = 1_000_000
MAX_MESSAGE_CHARS = 1_000

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
_DEFINITIONS = _FUNCTIONS + (ast.ClassDef,)
_IMPORTS = (ast.Import, ast.ImportFrom)

# Printing loads its module on first use; loaded here, it lies in the guest's start state.
ast.unparse(ast.Module([], []))

# What a parser may raise on hostile text.
_UNPARSABLE = (SyntaxError, ValueError, RecursionError, MemoryError)


class SourceTooLong(ValueError):
    """The source or its tree is longer than the analysis looks at."""


def _parse(source):
    if len(source) > MAX_SOURCE_CHARS:
        raise SourceTooLong(f"source of {len(source)} characters")
    return ast.parse(source)


def _without_blank_lines(text):
    return "\n".join(line for line in text.split("\n") if line.strip())


# --- Questions -------------------------------------------------------------------------------------------------------


def syntax(source):
    """None, or what is wrong. Compiles, so that faults found after parsing (`return` outside a function) count."""
    try:
        if len(source) > MAX_SOURCE_CHARS:
            raise SourceTooLong(f"source of {len(source)} characters")
        compile(source, "<program>", "exec", dont_inherit=True)
    except _UNPARSABLE as error:
        message = getattr(error, "msg", None) or str(error)
        return {
            "exception": type(error).__name__,
            "message": str(message)[:MAX_MESSAGE_CHARS],
            "line": getattr(error, "lineno", None) or 0,
        }
    return None


_ERROR_HANDLING = {"raise": ast.Raise, "assert": ast.Assert, "try": ast.Try, "except": ast.ExceptHandler}


def _imported_parts(node):
    if isinstance(node, ast.ImportFrom) and node.module:
        yield from node.module.split(".")
    for alias in node.names:
        yield from alias.name.split(".")


def banned_imports(source, banned, banned_for_errors=()):
    """The first banned name, or None."""
    try:
        nodes = list(ast.walk(_parse(source)))
    except _UNPARSABLE:
        for word in (*banned, *banned_for_errors):
            if re.search(rf"\b{re.escape(word)}\b", source):
                return word
        return None
    names = set(banned)
    kinds = {kind: word for word, kind in _ERROR_HANDLING.items() if word in banned_for_errors}
    for node in nodes:
        if isinstance(node, _IMPORTS):
            for part in _imported_parts(node):
                if part in names:
                    return part
        elif type(node) in kinds:
            return kinds[type(node)]
    return None


_IMPORT_LINE = re.compile(r"^\s*(?:import|from)\s+.*$", re.MULTILINE)


def imports(source):
    """Import statements, outer ones first; in text that does not parse, the lines that look like one."""
    try:
        return [ast.unparse(node) for node in ast.walk(_parse(source)) if isinstance(node, _IMPORTS)]
    except _UNPARSABLE:
        return [line.strip() for line in _IMPORT_LINE.findall(source)]


def _parameters(arguments):
    names = [argument.arg for argument in arguments.posonlyargs + arguments.args]
    names += ["*" + arguments.vararg.arg] if arguments.vararg else []
    names += [argument.arg for argument in arguments.kwonlyargs]
    return names + (["**" + arguments.kwarg.arg] if arguments.kwarg else [])


def functions(source):
    """Every function definition, in the order of the lines."""
    found = []
    stack = [(_parse(source), "")]
    while stack:
        node, scope = stack.pop()
        for child in reversed(list(ast.iter_child_nodes(node))):
            stack.append((child, scope + node.name + "." if isinstance(node, _DEFINITIONS) else scope))
        if isinstance(node, _FUNCTIONS):
            found.append(
                {
                    "qualified_name": scope + node.name,
                    "name": node.name,
                    "parameters": _parameters(node.args),
                    "line": min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)]),
                    "end_line": node.end_lineno,
                    "nested": bool(scope),
                    "asynchronous": isinstance(node, ast.AsyncFunctionDef),
                }
            )
    return sorted(found, key=lambda function: function["line"])


_TEST_INPUTS = re.compile(
    r"""
      \#\s*(?i:test|example)             # a comment that announces one
    | \b\w*input\s*=                     # a name that ends in "input" is given a value
    | \binput\w*\s*=                     # or one that begins with it
    | \b(?:expected|output|result)\s*=   # or an expected value is
    | \bassert\b
    | \bprint\s*\(\s*f\(                 # the entry's result is printed
    | \bf\([^)]*\)\s*(?:\#|$)            # a line ends in a call of the entry
    """,
    re.MULTILINE | re.VERBOSE,
)


def has_test_input(source):
    """Does the text try its own entry function `f`, or prepare to? A textual rule, as the reference's is."""
    return _TEST_INPUTS.search(source) is not None


# --- Cleaners --------------------------------------------------------------------------------------------------------


def _is_text_statement(statement):
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def remove_comments_and_docstrings(source):
    """Printed from the tree (so without comments), without blank lines and without the text statements that open a
    module, class or function; a body may be left empty, as in the reference. Text that does not parse stays."""
    try:
        tree = _parse(source)
        for node in ast.walk(tree):
            if isinstance(node, (ast.Module, *_DEFINITIONS)):
                while node.body and _is_text_statement(node.body[0]):
                    node.body.pop(0)
        return _without_blank_lines(ast.unparse(tree))
    except _UNPARSABLE:
        return source


def remove_any_not_definition_imports(source):
    """Imports and definitions of the module level, printed from the tree. Text that does not parse stays."""
    try:
        tree = _parse(source)
        tree.body = [statement for statement in tree.body if isinstance(statement, (*_IMPORTS, *_DEFINITIONS))]
        return _without_blank_lines(ast.unparse(tree))
    except _UNPARSABLE:
        return source


class _PrintRemover(ast.NodeTransformer):
    @staticmethod
    def _prints(node):
        return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"

    def visit_Expr(self, node):
        return None if self._prints(node.value) else self.generic_visit(node)

    def visit_Call(self, node):
        return ast.copy_location(ast.Constant(None), node) if self._prints(node) else self.generic_visit(node)

    def _block(self, node):
        self.generic_visit(node)
        if not node.body:
            node.body = [ast.Pass()]
        return node

    visit_FunctionDef = visit_AsyncFunctionDef = visit_If = visit_For = visit_While = visit_With = _block


def remove_print_statements(source):
    """Without statements that only print; a print inside an expression becomes None. Raises on text that does not
    parse. Classes and the parts of `try` may be left without a body, as in the reference."""
    return ast.unparse(_PrintRemover().visit(_parse(source)))


# --- Composite functions ---------------------------------------------------------------------------------------------


class _CompositeCalls(ast.NodeVisitor):
    """Collects the composite functions that are called with nothing but names in scope and constants."""

    def __init__(self, composites, scope):
        self.composites, self.scope, self.called = composites, set(scope), set()

    def visit_FunctionDef(self, node):
        self.scope.update(name for name in _parameters(node.args) if not name.startswith("*"))
        self.generic_visit(node)

    def visit_Assign(self, node):
        self.generic_visit(node)
        for target in node.targets:
            self.scope.update(part.id for part in ast.walk(target) if isinstance(part, ast.Name))

    def visit_AnnAssign(self, node):
        self.generic_visit(node)
        if isinstance(node.target, ast.Name):
            self.scope.add(node.target.id)

    def visit_Call(self, node):
        self.generic_visit(node)
        if isinstance(node.func, ast.Name) and node.func.id in self.composites:
            arguments = node.args + [keyword.value for keyword in node.keywords]
            names = [part.id for argument in arguments for part in ast.walk(argument) if isinstance(part, ast.Name)]
            if self.scope.issuperset(names):
                self.called.add(node.func.id)


def check_composite_function(source, composite_functions):
    """Does the last `f` of the module call each of `g_0`, `g_1`, ... (as many as there are composite functions) with
    arguments in scope?"""
    try:
        entries = [node for node in _parse(source).body if isinstance(node, ast.FunctionDef) and node.name == "f"]
    except _UNPARSABLE:
        return False
    if not entries:
        return False
    wanted = {f"g_{index}" for index in range(len(composite_functions))}
    visitor = _CompositeCalls(wanted, ())
    visitor.visit(entries[-1])
    return visitor.called == wanted


def check_no_definitions(source, names):
    """Is none of the names defined, at any level?"""
    try:
        return not any(isinstance(node, _DEFINITIONS) and node.name in names for node in ast.walk(_parse(source)))
    except _UNPARSABLE:
        return False


# --- Trees and types -------------------------------------------------------------------------------------------------


def _plain(node):
    if isinstance(node, ast.AST):
        fields = {name: _plain(value) for name, value in ast.iter_fields(node) if _is_told(name, value)}
        return {"node_type": type(node).__name__, **fields}
    if isinstance(node, list):
        return [_plain(item) for item in node if isinstance(item, ast.AST)]
    return node


def _is_told(name, value):
    # `type_params` exists since 3.12: without it trees of older sources stay as they were.
    return name != "ctx" and value is not None and not (name == "type_params" and not value)


def tree(source):
    """The tree as indented JSON, for the edit distance. Raises on constants that JSON has no form for."""
    text = json.dumps(_plain(_parse(source)), indent=2, sort_keys=True)
    if len(text) > MAX_TREE_CHARS:
        raise SourceTooLong(f"tree of {len(text)} characters")
    return text


def determine_type(source):
    """The type of an answer's text: a literal's class, `str` for everything else."""
    try:
        if len(source) > MAX_SOURCE_CHARS:
            return "str"
        return type(ast.literal_eval(f"({source})" if "," in source else source)).__name__
    except (*_UNPARSABLE, TypeError):
        return "str"


# --- Metrics ---------------------------------------------------------------------------------------------------------


def metrics(source):
    """Depth, complexities and Halstead numbers. Raises on text that does not parse."""
    tree = _parse(source)
    blocks = _cyclomatic_blocks(tree)
    numbers = _halstead(tree)
    cyclomatic = max((block["complexity"] for block in blocks), default=1)
    cognitive = _cognitive_complexity(tree)
    reward = (
        0.5 * min(numbers["effort"] / 10_000, 1)
        + 0.3 * min(cyclomatic / 10, 1)
        + 0.2 * min(numbers["volume"] / 500, 1)
    )
    return {
        "depth": _depth(tree),
        "cyclomatic_blocks": blocks,
        "cyclomatic": cyclomatic,
        "cognitive_complexity": cognitive,
        "halstead": numbers,
        "halstead_reward": round(reward, 3),
        "complexity_reward": cognitive / 15,
        "failure": None,
    }


def _depth(tree):
    """Levels of the tree, the module included."""
    levels, row = 0, [tree]
    while row:
        levels += 1
        row = [child for node in row for child in ast.iter_child_nodes(node)]
    return levels


# --- Cyclomatic complexity -------------------------------------------------------------------------------------------


class _Cyclomatic(ast.NodeVisitor):
    """Decisions of the statements visited, and the functions and classes found in them (their own decisions apart)."""

    def __init__(self, kind="Function"):
        self.kind, self.decisions, self.functions, self.classes = kind, 0, [], []

    def _add(self, count, node):
        self.decisions += count
        self.generic_visit(node)

    def visit_Try(self, node):
        self._add(len(node.handlers) + bool(node.orelse), node)

    def visit_BoolOp(self, node):
        self._add(len(node.values) - 1, node)

    def _one(self, node):
        self._add(1, node)

    visit_If = visit_IfExp = _one

    def visit_Assert(self, node):
        # What is asserted counts for nothing.
        self.decisions += 1

    def visit_Match(self, node):
        # A case that takes everything counts as the `else`; so does one that only gives a name.
        takes_all = any(getattr(case.pattern, "pattern", False) is None for case in node.cases)
        self._add(len(node.cases) - takes_all, node)

    def _loop(self, node):
        self._add(1 + bool(node.orelse), node)

    visit_For = visit_While = visit_AsyncFor = _loop

    def visit_comprehension(self, node):
        self._add(1 + len(node.ifs), node)

    def visit_FunctionDef(self, node):
        complexity = 1
        for statement in node.body:
            inner = _Cyclomatic()
            inner.visit(statement)
            complexity += inner.decisions
        self.functions.append({"name": node.name, "kind": self.kind, "complexity": complexity})

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node):
        methods, complexity = [], 1
        for statement in node.body:
            inner = _Cyclomatic("Method")
            inner.visit(statement)
            methods += inner.functions
            complexity += inner.decisions + sum(method["complexity"] for method in inner.functions)
        if methods:
            complexity = int(complexity / len(methods)) + (len(methods) > 1)
        self.classes.append(({"name": node.name, "kind": "Class", "complexity": complexity}, methods))


def _cyclomatic_blocks(tree):
    """Functions, then each class with its methods. Functions inside functions count for nothing."""
    visitor = _Cyclomatic()
    visitor.visit(tree)
    blocks = visitor.functions
    for block, methods in visitor.classes:
        blocks += [block, *methods]
    return blocks


# --- Cognitive complexity --------------------------------------------------------------------------------------------


def _cognitive_complexity(tree):
    """Sum over the statements of the module."""
    return _block(tree.body, 0)


def _block(statements, nesting):
    return sum(_statement(statement, nesting) for statement in statements)


def _statement(node, nesting):
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            return _function(node, nesting)
        case ast.ClassDef():
            # Only methods count.
            return _block([statement for statement in node.body if isinstance(statement, _FUNCTIONS)], nesting)
        case ast.If():
            return _if(node, nesting)
        case ast.For() | ast.AsyncFor():
            return 1 + nesting + _block(node.body, nesting + 1) + _block(node.orelse, nesting + 1)
        case ast.While():
            inner = _block(node.body, nesting + 1) + _block(node.orelse, nesting + 1)
            return 1 + nesting + _expression(node.test, nesting) + inner
        case ast.Try() | ast.TryStar():
            handlers = sum(1 + _block(handler.body, nesting + 1) for handler in node.handlers)
            rest = _block(node.body + node.orelse + node.finalbody, nesting + 1)
            return handlers + rest
        case ast.Match():
            return sum(_block(case.body, nesting + 1) for case in node.cases)
        case ast.With() | ast.AsyncWith():
            return sum(_expression(item.context_expr, nesting) for item in node.items) + _block(node.body, nesting)
        case ast.Assign() | ast.AugAssign() | ast.AnnAssign() | ast.Return():
            return _expression(node.value, nesting)
        case ast.Raise():
            return _expression(node.exc, nesting) + _expression(node.cause, nesting)
        case ast.Assert():
            return _expression(node.test, nesting) + _expression(node.msg, nesting)
        case _:
            return 0


def _function(node, nesting):
    match node.body:
        case [ast.FunctionDef() | ast.AsyncFunctionDef() as inner, ast.Return()]:
            # The shape of a decorator: only the function that it returns counts, as if it stood here.
            return _statement(inner, nesting)
    return sum(_statement(inner, nesting + isinstance(inner, _FUNCTIONS)) for inner in node.body)


def _if(node, nesting):
    total = 1 + nesting + _expression(node.test, nesting) + _block(node.body, nesting + 1)
    while True:
        match node.orelse:
            case [ast.If(col_offset=node.col_offset) as following]:
                # An `elif` (an `if` inside `else` stands further right): its test is free, its body lies no deeper.
                total += _block(following.body, nesting)
                node = following
            case alternative:
                return total + _block(alternative, nesting)


def _expression(node, nesting):
    match node:
        case ast.BoolOp():
            return 1 + _expressions(node.values, nesting)
        case ast.IfExp():
            return 1 + nesting + _expressions([node.test, node.body, node.orelse], nesting)
        case ast.UnaryOp():
            return _expression(node.operand, nesting)
        case ast.Compare():
            return _expressions([node.left, *node.comparators], nesting)
        case ast.Call():
            return _expressions(node.args, nesting)
        case ast.Tuple() | ast.List() | ast.Set():
            return _expressions(node.elts, nesting)
        case ast.Dict():
            return _expressions(node.values, nesting)
        case _:
            return 0


def _expressions(nodes, nesting):
    return sum(_expression(node, nesting) for node in nodes)


# --- Halstead numbers ------------------------------------------------------------------------------------------------


class _Halstead(ast.NodeVisitor):
    """Operators and operands of the arithmetic, logic and comparisons; names are told apart by their function."""

    def __init__(self, context=None):
        self.context = context
        self.operators, self.operands = 0, 0
        self.distinct_operators, self.distinct_operands = set(), set()

    def _count(self, operators, operands, node):
        self.operators += len(operators)
        self.operands += len(operands)
        self.distinct_operators.update(type(operator).__name__ for operator in operators)
        self.distinct_operands.update((self.context, self._identity(operand)) for operand in operands)
        self.generic_visit(node)

    @staticmethod
    def _identity(operand):
        match operand:
            case ast.Name():
                return operand.id
            case ast.Attribute():
                return operand.attr
            case ast.Constant():
                return operand.value
            case _:
                return operand

    def visit_BinOp(self, node):
        self._count([node.op], [node.left, node.right], node)

    def visit_UnaryOp(self, node):
        self._count([node.op], [node.operand], node)

    def visit_BoolOp(self, node):
        self._count([node.op], node.values, node)

    def visit_AugAssign(self, node):
        self._count([node.op], [node.target, node.value], node)

    def visit_Compare(self, node):
        self._count(node.ops, [*node.comparators, node.left], node)

    def visit_FunctionDef(self, node):
        # Only the body: decorators, defaults and annotations are left out.
        outer, self.context = self.context, node.name
        for statement in node.body:
            self.visit(statement)
        self.context = outer

    visit_AsyncFunctionDef = visit_FunctionDef


def _halstead(tree):
    """The totals of a module."""
    visitor = _Halstead()
    visitor.visit(tree)
    h1, h2 = len(visitor.distinct_operators), len(visitor.distinct_operands)
    n1, n2 = visitor.operators, visitor.operands
    vocabulary, length = h1 + h2, n1 + n2
    volume = length * math.log(vocabulary, 2) if vocabulary else 0.0
    difficulty = h1 * n2 / (2 * h2) if h2 else 0.0
    effort = difficulty * volume
    return {
        "h1": h1,
        "h2": h2,
        "N1": n1,
        "N2": n2,
        "vocabulary": vocabulary,
        "length": length,
        "calculated_length": h1 * math.log(h1, 2) + h2 * math.log(h2, 2) if h1 and h2 else 0.0,
        "volume": volume,
        "difficulty": difficulty,
        "effort": effort,
        "time": effort / 18,
        "bugs": volume / 3000,
    }


# --- The entry point -------------------------------------------------------------------------------------------------


OPERATIONS = {
    function.__name__: function
    for function in (
        syntax,
        banned_imports,
        imports,
        functions,
        remove_comments_and_docstrings,
        remove_print_statements,
        remove_any_not_definition_imports,
        has_test_input,
        check_composite_function,
        check_no_definitions,
        metrics,
        tree,
        determine_type,
    )
}


def analyse(operation, payload):
    """Runs one operation; every failure, also of the payload, is an answer."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value = OPERATIONS[operation](**json.loads(payload))
        return json.dumps({"ok": value}, allow_nan=False)
    except Exception as error:
        return _failure(error)


def _failure(error):
    message = str(error)[:MAX_MESSAGE_CHARS].encode("utf-8", "backslashreplace").decode("utf-8")
    return json.dumps({"error": {"exception": type(error).__name__, "message": message}})
