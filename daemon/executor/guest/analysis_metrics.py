"""Metrics of a syntax tree: depth, cyclomatic complexity and Halstead numbers by radon's rules (6.0), cognitive
complexity by complexipy's (2.1), written from their behaviour. Oddities of the two tools are kept and named."""

import ast
import math

_FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def measure(tree):
    """All metrics of a module."""
    blocks = cyclomatic_blocks(tree)
    numbers = halstead(tree)
    cyclomatic = max((block["complexity"] for block in blocks), default=1)
    cognitive = cognitive_complexity(tree)
    reward = (
        0.5 * min(numbers["effort"] / 10_000, 1)
        + 0.3 * min(cyclomatic / 10, 1)
        + 0.2 * min(numbers["volume"] / 500, 1)
    )
    return {
        "depth": depth(tree),
        "cyclomatic_blocks": blocks,
        "cyclomatic": cyclomatic,
        "cognitive_complexity": cognitive,
        "halstead": numbers,
        "halstead_reward": round(reward, 3),
        "complexity_reward": cognitive / 15,
        "failure": None,
    }


def depth(tree):
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


def cyclomatic_blocks(tree):
    """Functions, then each class with its methods. Functions inside functions count for nothing."""
    visitor = _Cyclomatic()
    visitor.visit(tree)
    blocks = visitor.functions
    for block, methods in visitor.classes:
        blocks += [block, *methods]
    return blocks


# --- Cognitive complexity --------------------------------------------------------------------------------------------


def cognitive_complexity(tree):
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


def halstead(tree):
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
