#: constant_index_out_of_bounds -> anything
# Bytecode is not verified: reading past the constants is a wild read, inside the guest's own memory only.
import types
def f(x):
    code = (lambda: 1).__code__
    return types.FunctionType(code.replace(co_consts=(), co_code=bytes([128, 0, 82, 255, 35, 0])), {})()

#: fast_local_out_of_bounds -> anything
import types, opcode
def f(x):
    load, extended, back = opcode.opmap["LOAD_FAST"], opcode.opmap["EXTENDED_ARG"], opcode.opmap["RETURN_VALUE"]
    body = bytes([128, 0, extended, 255, extended, 255, extended, 255, load, 255, back, 0])
    code = (lambda: 1).__code__.replace(co_code=body)
    return types.FunctionType(code, {})()

#: stack_underflow -> anything
import types, opcode
def f(x):
    body = bytes([128, 0] + [opcode.opmap["POP_TOP"], 0] * 4000 + [opcode.opmap["RETURN_VALUE"], 0])
    return types.FunctionType((lambda: 1).__code__.replace(co_code=body), {})()

#: jump_backwards_forever -> timeout
import types, opcode
def f(x):
    body = bytes([128, 0, opcode.opmap["NOP"], 0, opcode.opmap["JUMP_BACKWARD_NO_INTERRUPT"], 2])
    code = (lambda: 1).__code__
    return types.FunctionType(code.replace(co_code=body), {})()

#: forged_pointer -> anything
# The classic escape: bytecode that takes a number for an object. Here the number is an offset into the guest's memory.
import types, opcode
def f(x):
    target = bytearray(b"\xff" * 64)
    load, extended, back = opcode.opmap["LOAD_CONST"], opcode.opmap["EXTENDED_ARG"], opcode.opmap["RETURN_VALUE"]
    holder = ()
    distance = (id(target) - id(holder)) // 4 & 0xFFFFFFFF
    body = bytes([128, 0])
    for shift in (24, 16, 8):
        body += bytes([extended, distance >> shift & 255])
    body += bytes([load, distance & 255, back, 0])
    made = types.FunctionType((lambda: 1).__code__.replace(co_consts=holder, co_code=body), {})()
    return made.anything

#: unknown_opcode -> anything
import types
def f(x):
    free = [number for number in range(1, 120) if number not in set(__import__("opcode").opmap.values())]
    body = bytes([128, 0, free[-1], 0, 35, 0])
    return types.FunctionType((lambda: 1).__code__.replace(co_code=body), {})()

#: code_of_odd_length -> raised ValueError
def f(x):
    return (lambda: 1).__code__.replace(co_code=b"\x80\x00\x23")

#: stack_size_of_a_liar -> raised OverflowError
import types
def f(x):
    code = (lambda a: [a, a, a, [a, [a]]]).__code__
    return types.FunctionType(code.replace(co_stacksize=1 << 40), {})(1)

#: stack_size_too_large -> out_of_memory
import types
def f(x):
    code = (lambda a: a).__code__
    return types.FunctionType(code.replace(co_stacksize=1 << 27), {})(1)

#: names_are_not_text -> raised SystemError
def f(x):
    return (lambda: name).__code__.replace(co_names=(1, 2))

#: exception_table_of_noise -> anything
import types
def f(x):
    def body():
        try:
            1 / 0
        except ZeroDivisionError:
            return 1
    code = body.__code__.replace(co_exceptiontable=bytes([0x80, 0x3F, 0x3F, 0x3F, 0x3F] * 20))
    return types.FunctionType(code, {})()

#: line_table_of_noise -> value 1
import types
def f(x):
    code = (lambda: 1).__code__.replace(co_linetable=bytes(range(256)))
    return types.FunctionType(code, {})()

#: traceback_with_a_broken_line_table -> value 'ZeroDivisionError'
import types, traceback
def f(x):
    code = (lambda: 1 / 0).__code__.replace(co_linetable=b"\xff" * 9)
    try:
        types.FunctionType(code, {})()
    except ZeroDivisionError as error:
        traceback.format_exc()
        return type(error).__name__

#: closure_with_too_few_cells -> raised ValueError
import types
def f(x):
    code = (lambda: x).__code__
    return types.FunctionType(code, {}, "g", None, ())()

#: marshal_of_noise -> raised ValueError
import marshal
def f(x):
    return marshal.loads(b"\xe3" + b"\xff" * 200)

#: marshal_of_a_huge_tuple -> out_of_memory
import marshal
def f(x):
    return marshal.loads(b"(" + (2**31 - 1).to_bytes(4, "little"))

#: marshal_of_a_promised_string -> out_of_memory
import marshal
def f(x):
    return marshal.loads(b"s" + (2**30).to_bytes(4, "little") + b"x")

#: marshal_nested -> raised ValueError
import marshal
def f(x):
    return marshal.loads(b")\x01" * 100_000 + b"N")

#: marshal_reference_to_nothing -> raised ValueError
import marshal
def f(x):
    return marshal.loads(b"r" + (12345).to_bytes(4, "little"))

#: marshal_of_a_cycle -> value [[...]]
import marshal
def f(x):
    cycle = []
    cycle.append(cycle)
    return marshal.loads(marshal.dumps(cycle))

#: marshalled_code_runs -> raised PermissionError
import marshal
def f(x):
    return eval(marshal.loads(marshal.dumps(compile("open('/etc/passwd')", "", "eval"))))

#: code_replaced_while_it_runs -> value [1, 2]
def f(x):
    global body
    def body():
        body.__code__ = (lambda: 2).__code__
        return 1
    return [body(), body()]

#: generator_of_another_kind -> raised TypeError
import types
def f(x):
    code = (lambda: 1).__code__
    made = types.FunctionType(code.replace(co_flags=code.co_flags | 0x20), {})()
    return len(made)

#: argument_counts_of_a_liar -> raised SystemError
import types
def f(x):
    code = (lambda a, b: a).__code__
    return types.FunctionType(code.replace(co_argcount=200, co_posonlyargcount=201), {})(1, 2)

#: dis_of_noise -> raised IndexError
import dis, io
def f(x):
    code = (lambda: 1).__code__.replace(co_code=bytes([128, 0] + [82, 200] * 100))
    dis.dis(code, file=io.StringIO())
