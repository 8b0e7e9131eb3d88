#: equal_to_everything -> value <A>
class A:
    def __eq__(self, other):
        return True
    def __hash__(self):
        return 1
    def __repr__(self):
        return "<A>"
def f(x):
    return A()

#: repr_of_a_number -> value 42
class A(int):
    def __repr__(self):
        return "42"
def f(x):
    return A(7)

#: repr_is_not_text -> raised TypeError
class A:
    def __repr__(self):
        return 42
def f(x):
    return A()

#: repr_is_a_lying_subclass -> value 'honest'
class Text(str):
    def __str__(self):
        return "forged"
    def __len__(self):
        return 3
    def encode(self, *arguments):
        return b"forged"
    def __getitem__(self, index):
        return "forged"
class A:
    def __repr__(self):
        return Text("'honest'")
def f(x):
    return A()

#: length_of_a_liar -> output_too_large 100000
class Text(str):
    def __len__(self):
        return 3
class A:
    def __repr__(self):
        return Text("a" * 100_000)
def f(x):
    return A()

#: length_is_a_bomb -> value short
class Text(str):
    def __len__(self):
        raise SystemExit(3)
class A:
    def __repr__(self):
        return Text("short")
def f(x):
    return A()

#: repr_raises -> raised KeyError
class A:
    def __repr__(self):
        raise KeyError("no repr")
def f(x):
    return A()

#: class_of_another -> value <Liar>
class Liar:
    @property
    def __class__(self):
        return int
    def __repr__(self):
        return "<Liar>"
def f(x):
    liar = Liar()
    return liar if isinstance(liar, int) else None

#: class_property_raises -> value <Liar>
class Liar:
    @property
    def __class__(self):
        raise SystemExit(9)
    def __repr__(self):
        return "<Liar>"
def f(x):
    return Liar()

#: exception_of_a_false_name -> raised ZeroDivisionError
class E(Exception):
    pass
E.__name__ = "ZeroDivisionError"
def f(x):
    raise E

#: exception_named_by_a_metaclass -> raised E
class Meta(type):
    @property
    def __name__(cls):
        raise SystemExit(4)
class E(Exception, metaclass=Meta):
    pass
def f(x):
    raise E

#: exception_name_is_a_liar -> raised E
class Name(str):
    def __str__(self):
        raise SystemExit(4)
class Meta(type):
    __name__ = Name("forged")
class E(Exception, metaclass=Meta):
    pass
def f(x):
    raise E

#: exception_whose_class_lies -> raised E
class E(Exception):
    @property
    def __class__(self):
        return SystemExit
def f(x):
    raise E

#: exception_that_claims_memory -> raised E
class Meta(type):
    def __instancecheck__(cls, instance):
        return True
class E(Exception, metaclass=Meta):
    @property
    def __class__(self):
        return MemoryError
def f(x):
    raise E

#: message_is_a_lying_subclass -> raised ValueError
class Text(str):
    def __getitem__(self, index):
        raise SystemExit(1)
    def encode(self, *arguments):
        return 7
class E(ValueError):
    def __str__(self):
        return Text("message")
E.__name__ = "ValueError"
def f(x):
    raise E

#: message_exits -> raised E
class E(Exception):
    def __str__(self):
        raise SystemExit(1)
def f(x):
    raise E

#: syntax_error_of_a_liar -> raised SyntaxError
def f(x):
    raise SyntaxError("forged", ("<program>", 7, 1, "text"))

#: syntax_error_while_compiling -> syntax_error 1
#: call f(1)
#: call f(
import builtins
def f(x):
    return x

#: syntax_error_class_replaced -> syntax_error 1
#: call f(1)
#: call f(
import builtins
def f(x):
    builtins.SyntaxError = KeyError
    builtins.isinstance = lambda thing, kind: True

#: isinstance_replaced -> raised ValueError
import builtins
builtins.isinstance = lambda thing, kind: True
def f(x):
    raise ValueError("not an exit")

#: repr_replaced -> value 7
import builtins
builtins.repr = lambda thing: "forged"
def f(x):
    return 7

#: eval_replaced -> value 7
import builtins
builtins.eval = lambda *arguments: "forged"
def f(x):
    return 7

#: compile_replaced -> value 7
import builtins
builtins.compile = lambda *arguments, **options: "forged"
def f(x):
    return 7

#: exec_replaced -> value 7
import builtins
builtins.exec = lambda *arguments: None
def f(x):
    return 7

#: text_type_replaced -> value 7
import builtins
class Text:
    __str__ = lambda *arguments: "forged"
builtins.str = Text
builtins.len = lambda thing: 0
builtins.type = lambda thing: Text
builtins.int = lambda *arguments: 0
builtins.max = builtins.min = lambda *arguments: "forged"
def f(x):
    return 7

#: length_replaced -> output_too_large 100002
import builtins
builtins.len = lambda thing: 0
def f(x):
    return "a" * 100_000

#: base_exception_replaced -> raised ZeroDivisionError
import builtins
builtins.BaseException = builtins.Exception = KeyError
def f(x):
    return 1 / 0

#: memory_error_replaced -> raised ValueError
import builtins
builtins.MemoryError = builtins.SystemExit = builtins.ModuleNotFoundError = ValueError
def f(x):
    raise ValueError("honest")

#: every_builtin_lies -> value 7
import builtins
for name in dir(builtins):
    if not name.startswith("_") and callable(getattr(builtins, name)) and name not in ("setattr", "callable", "getattr", "dir"):
        setattr(builtins, name, lambda *arguments, **options: "forged")
def f(x):
    return 7

#: outcome_of_an_unknown_kind -> value 7
# The record that goes to the host, forged in its constructor.
for cls in object.__subclasses__():
    if cls.__name__ == "Outcome":
        def forge(self, *arguments):
            self.kind, self.text, self.exception, self.number, self.stdout = "mischief", "forged", "", 0, ""
        cls.__init__ = forge
def f(x):
    return 7

#: outcome_of_wrong_types -> value 7
for cls in object.__subclasses__():
    if cls.__name__ == "Outcome":
        def forge(self, *arguments):
            self.kind, self.text, self.exception, self.number, self.stdout = 1, None, b"", "many", object()
        cls.__init__ = forge
def f(x):
    return 7

#: outcome_too_large -> value 7
for cls in object.__subclasses__():
    if cls.__name__ == "Outcome":
        def forge(self, *arguments):
            self.kind, self.text, self.exception, self.number, self.stdout = "value", "a" * 10**7, "", 2**62, "b" * 10**7
        cls.__init__ = forge
def f(x):
    return 7

#: outcome_with_properties -> value 7
for cls in object.__subclasses__():
    if cls.__name__ == "Outcome":
        for name in ("kind", "text", "exception", "stdout"):
            setattr(cls, name, property(lambda self: [None for _ in iter(int, 1)], lambda self, value: None))
def f(x):
    return 7

#: stream_of_the_guest_forges -> value 7
import sys
class Forger:
    def flush(self):
        raise SystemExit(3)
def f(x):
    frame = sys._getframe()
    while frame:
        if "_stdout" in frame.f_globals:
            frame.f_globals["_stdout"] = Forger()
        frame = frame.f_back
    return 7

#: limit_of_the_guest_raised -> output_too_large 100002
import sys
def f(x):
    frame = sys._getframe()
    while frame:
        capture = frame.f_globals.get("_capture")
        if capture is not None:
            capture.limit = 10**9
        frame = frame.f_back
    print("b" * 200_000)
    return "a" * 100_000

#: namespace_is_a_liar -> value 7
#: call f(1)
#: call f(1)
import sys
class Names(dict):
    def __getitem__(self, name):
        return lambda *arguments: "forged"
def f(x):
    frame = sys._getframe()
    while frame:
        if "_namespace" in frame.f_globals and False:
            frame.f_globals["_namespace"] = Names()
        frame = frame.f_back
    return 7

#: comparison_always_true -> value [True, True, False]
class Yes:
    __eq__ = __lt__ = __gt__ = __le__ = __ge__ = __contains__ = lambda self, other: True
    __bool__ = lambda self: False
def f(x):
    return [Yes() == 1, 1 in Yes(), bool(Yes())]

#: sum_of_a_liar -> value 42
class Zero(int):
    def __radd__(self, other):
        return 42
def f(x):
    return sum([Zero(1)])

#: list_that_hides -> value [1, 2]
class Hidden(list):
    def __iter__(self):
        return iter(())
    def __len__(self):
        return 0
def f(x):
    return Hidden([1, 2])

#: recursive_repr_of_a_liar -> value [[...], {...}]
def f(x):
    cycle, table = [], {}
    table["a"] = table
    cycle.append(cycle)
    class Show(list):
        pass
    shown = [cycle, table]
    return eval("type('R', (), {'__repr__': lambda self: '[[...], {...}]'})()") if shown[0][0] is cycle else 0

#: outcome_of_megabytes -> out_of_memory
import sys, types
def f(x):
    frame = sys._getframe()
    while frame.f_back:
        frame = frame.f_back
    forged = types.SimpleNamespace(kind="value", text="9" * (1 << 27), exception="", number=0, stdout="y" * (1 << 27))
    frame.f_globals["_outcome"] = lambda *_a, **_k: forged
    return 1
