#: no_program -> syntax_error 1
This is not Python at all.

#: error_on_a_later_line -> syntax_error 4
def f(x):
    y = x

    return y +

#: unclosed_across_lines -> syntax_error 2
def f(x):
    return (x + [1,
        2, {3: 4}

#: tabs_and_spaces -> syntax_error 4
def f(x):
    if x:
        y = 1
	return y

#: unterminated_string -> syntax_error 3
def f(x):
    y = 1
    return "never closed

#: bad_escape_in_name -> syntax_error 2
def f(x):
    return "\N{NO SUCH CHARACTER AT ALL}"

#: invisible_characters -> syntax_error 2
def f(x):
    return x ​+ 1

#: null_inside -> raised SyntaxError
def f(x):
    return compile("1\0+1", "<inner>", "eval")

#: program_that_is_two_languages -> syntax_error 2
def f(x):
    return x;;
#!/bin/sh

#: parentheses_bomb -> out_of_memory
def f(x):
    return eval("(" * 10_000 + ")" * 10_000)

#: brackets_bomb -> out_of_memory
def f(x):
    return eval("[" * 150 + "lambda:" * 2_000 + "1" + "]" * 150)

#: unary_bomb -> out_of_memory
def f(x):
    return eval("-" * 50_000 + "1")

#: not_bomb -> out_of_memory
def f(x):
    return eval("not " * 20_000 + "1")

#: attribute_bomb -> raised RecursionError
def f(x):
    return eval("x" + ".a" * 50_000)

#: call_bomb -> raised RecursionError
def f(x):
    return eval("f" + "()" * 50_000)

#: power_bomb -> out_of_memory
def f(x):
    return compile("2" + "**1" * 5_000, "", "eval")

#: nested_blocks -> raised SyntaxError
def f(x):
    source = "".join(" " * i + "while 1:\n" for i in range(30)) + " " * 30 + "break"
    return compile(source, "", "exec")

#: indentation_bomb -> raised IndentationError
def f(x):
    return compile("".join(" " * i + "if 1:\n" for i in range(150)) + " " * 150 + "pass", "", "exec")

#: constant_folding_bomb -> raised MemoryLimit
# The compiler folds constants; what it folds must be bounded too.
class MemoryLimit(Exception):
    pass
def f(x):
    code = compile("((('a' * 4096) * 4096) * 4096) * 4096", "", "eval")
    if sum(len(c) for c in code.co_consts if isinstance(c, str)) < 100_000:
        raise MemoryLimit("not folded")

#: fold_of_powers -> timeout
def f(x):
    return compile("9**9**9", "", "eval") and 9**9**9

#: formatted_string_bomb -> out_of_memory
def f(x):
    source = "1"
    for _ in range(200):
        source = "f'{" + source + "}'"
    return eval(source)

#: comprehension_bomb -> crashed
# CPython 3.14.0 overruns a table of its compiler here (mended in later versions); the instance ends with it.
def f(x):
    source = "1"
    for _ in range(120):
        source = f"[{source} for a in b]"
    return compile(source, "", "eval")

#: decorator_bomb -> value 'g'
def f(x):
    space = {}
    exec("@(lambda g: g)\n" * 2_000 + "def g(): pass", space)
    return space["g"].__name__

#: soft_keyword_bomb -> timeout
# Backtracking in the parser: each level of `match` may be a call, a subscript or a statement.
def f(x):
    while True:
        try:
            compile("match (" * 40 + "a" + ")" * 40 + "\n", "", "exec")
        except SyntaxError:
            pass

#: ast_cycle -> raised RecursionError
import ast
def f(x):
    node = ast.UnaryOp(ast.Not(), None, lineno=1, col_offset=0, end_lineno=1, end_col_offset=0)
    node.operand = node
    return compile(ast.Expression(node), "", "eval")

#: ast_of_lies -> raised TypeError
import ast
def f(x):
    tree = ast.parse("x + 1", mode="eval")
    tree.body.op = 7
    return compile(tree, "", "eval")

#: literal_eval_bomb -> raised RecursionError
import ast
def f(x):
    node = ast.List([], ast.Load())
    node.elts = [node, node]
    return ast.literal_eval(node)

#: regex_nested_quantifiers -> timeout
import re
def f(x):
    return re.match(r"((a*)*)*b$", "a" * 60 + "c")

#: regex_alternation -> timeout
import re
def f(x):
    return re.fullmatch(r"(a|a|aa|aaa)+x", "a" * 70)

#: regex_backreferences -> timeout
import re
def f(x):
    return re.search(r"(.*)(.*)(.*)(.*)(.*)\1\2\3\4\5z", "ab" * 200)

#: regex_huge_repeat -> raised OverflowError
import re
def f(x):
    return re.compile("a{99999999999}")

#: regex_nested_groups -> raised RecursionError
import re
def f(x):
    return re.compile("(?:" * 5_000 + "a" + ")" * 5_000)

#: regex_substitution_bomb -> timeout
import re
def f(x):
    text = "aaaaaaaaaa"
    while True:
        text = re.sub("a", r"\g<0>" * 10, text)

#: regex_lookbehind -> raised PatternError
import re
def f(x):
    return re.compile(r"(?<=a+)b")

#: json_bomb -> timeout
import json
def f(x):
    return json.loads('{"a":' * 50_000 + "1" + "}" * 50_000)

#: encoding_declared -> value 1
# -*- coding: no-such-codec -*-
def f(x):
    return x
