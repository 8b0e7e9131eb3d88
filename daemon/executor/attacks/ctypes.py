#: ctypes -> missing_module ctypes
import ctypes
def f(x):
    return ctypes.CDLL(None).system(b"id")

#: ctypes_in_c -> missing_module _ctypes
import _ctypes
def f(x):
    return _ctypes.dlopen("libc.so.6", 2)

#: foreign_functions -> missing_module cffi
from cffi import FFI
def f(x):
    return FFI().dlopen(None)

#: numpy_ctypes -> missing_module numpy
def f(x):
    import numpy.ctypeslib
    return numpy.ctypeslib.load_library("libc", "/")

#: test_hooks_of_python -> missing_module _testcapi
import _testcapi
def f(x):
    return _testcapi.crash_no_current_thread()

#: internal_test_hooks -> missing_module _testinternalcapi
import _testinternalcapi
def f(x):
    return _testinternalcapi.get_configs()

#: load_dynamic -> raised ImportError
import _imp
def f(x):
    return _imp.create_dynamic(type("Spec", (), {"name": "x", "origin": "/lib/libc.so.6"})())

#: extension_loader -> raised ImportError
import importlib.machinery, importlib.util
def f(x):
    loader = importlib.machinery.ExtensionFileLoader("x", "/lib/x.so")
    try:
        return importlib.util.module_from_spec(importlib.util.spec_from_loader("x", loader))
    except AttributeError as error:
        raise ImportError("no dynamic loading") from error

#: pack_out_of_bounds -> raised error
import struct
def f(x):
    struct.pack_into("<I", bytearray(8), 1 << 20, 0xFFFFFFFF)

#: unpack_before_the_buffer -> raised error
import struct
def f(x):
    return struct.unpack_from("<64s", memoryview(bytearray(16))[8:], -9)

#: view_outlives_its_array -> raised BufferError
import array
def f(x):
    numbers = array.array("I", [1, 2, 3, 4])
    view = memoryview(numbers)
    for _ in range(1000):
        numbers.append(7)
    view[0] = 0xFFFFFFFF

#: view_resized_inside_its_read -> raised BufferError
import io
class Reader(io.RawIOBase):
    def readinto(self, view):
        global stolen
        stolen = view
        return 0
    def readable(self):
        return True
def f(x):
    data = bytearray(b"abc")
    view = memoryview(data)
    io.BufferedReader(Reader(), 16).read(8)
    data.extend(b"x" * 100)
    return view

#: stolen_buffer_of_a_reader -> value 'alive'
# The reader hands out its inner buffer; using it after the reader is gone was a way to write freed memory.
import io
class Reader(io.RawIOBase):
    def readinto(self, view):
        global stolen
        stolen = view
        return len(view)
    def readable(self):
        return True
def f(x):
    reader = io.BufferedReader(Reader(), 4096)
    reader.read(1)
    del reader
    other = [bytes(4096) for _ in range(16)]
    stolen[0:8] = b"\xff" * 8
    return 'alive' if other else stolen

#: list_shrinks_while_sorted -> raised ValueError
victims = []
class Key:
    def __init__(self, number):
        self.number = number
    def __lt__(self, other):
        victims.clear()
        victims.extend(range(5))
        return self.number < other.number
def f(x):
    victims.extend(Key(i) for i in range(50))
    victims.sort()

#: index_changes_the_sequence -> value [0, 0, 0]
class Index:
    def __init__(self, data):
        self.data = data
    def __index__(self):
        del self.data[3:]
        return 40
def f(x):
    data = bytearray(64)
    try:
        data[Index(data)] = 255
    except IndexError:
        pass
    return list(data)

#: iterator_of_a_dying_dict -> value 1
class Evil:
    def __init__(self, name):
        self.name = name
    def __hash__(self):
        return 1
    def __eq__(self, other):
        table.clear()
        return False
table = {}
def f(x):
    for i in range(10):
        table[Evil(i)] = i
    for key in table:
        table[Evil(99)] = 1
        table[Evil(98)] = 1
    return len(table)

#: shift_changes_a_deque -> raised RuntimeError
from collections import deque
class Mutator:
    def __eq__(self, other):
        queue.clear()
        return False
queue = deque()
def f(x):
    queue.extend(Mutator() for _ in range(200))
    return queue.index(5)

#: partial_state_confusion -> raised TypeError
import functools
def f(x):
    part = functools.partial(print)
    part.__setstate__((len, [], {}, 7))
    return part([1, 2])

#: array_type_confusion -> raised ValueError
import array
def f(x):
    return array._array_reconstructor(array.array, "I", 99, b"\x41" * 64)

#: iterator_state_out_of_range -> value [[], 3, []]
def f(x):
    items = iter([1, 2, 3])
    items.__setstate__(1 << 30)
    letters = iter("abc")
    letters.__setstate__(1 << 30)
    back = reversed([1, 2, 3])
    back.__setstate__(1 << 30)
    return [list(items), len(list(back)), list(letters)]

#: expat_entity_bomb -> raised ParseError
import xml.etree.ElementTree as tree
def f(x):
    lines = ['<!ENTITY a0 "boom boom boom boom">'] + [f'<!ENTITY a{i} "{f"&a{i - 1};" * 16}">' for i in range(1, 12)]
    return len(tree.fromstring(f"<!DOCTYPE a [{''.join(lines)}]><a>&a11;</a>").text)

#: host_calls_by_number -> missing_module componentize_py_runtime
# The door through which the guest calls the host; a program has no business with it.
import componentize_py_runtime
def f(x):
    return [componentize_py_runtime.call_import(i, []) for i in range(100)]

#: database_engine_in_c -> raised OperationalError
import _sqlite3
def f(x):
    connection = _sqlite3.connect("file:/etc/passwd?mode=ro", uri=True)
    return connection.execute("select load_extension('/lib/x.so')").fetchall()
