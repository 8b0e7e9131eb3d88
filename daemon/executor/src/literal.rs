//! Python literals as plain data, so that two results are compared on the host, where no program can reach the judge.
//!
//! Equality is Python's: `1 == 1.0 == True`, sets and dicts without order, `nan` unequal to everything. Text that is
//! not a literal is not an error but `None`: the caller may evaluate it in a sandbox instead.

use std::collections::{BTreeMap, BTreeSet};

/// Deepest nesting that is read.
const MAX_DEPTH: u32 = 150;
/// Longest text that is read, in bytes.
const MAX_BYTES: usize = 8 << 20;

/// Which texts are accepted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Grammar {
    /// Literals, `set()`, `inf` and `nan`.
    Literal,
    /// Also what `repr` writes for values of the standard containers, e.g. `Counter({'a': 1})` or `deque([1])`.
    Repr,
}

/// A value by its canonical key: two values are equal in Python exactly when their keys are equal and hold no `nan`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Value {
    key: Vec<u8>,
    has_nan: bool,
    /// May be the member of a set or the key of a dict.
    hashable: bool,
}

impl Value {
    /// A value without parts.
    fn atom(key: Vec<u8>) -> Self {
        Self { key, has_nan: false, hashable: true }
    }

    /// Reads a literal: numbers, strings, bytes, `None`, `True`, `False`, tuples, lists, dicts, sets, nested.
    pub fn parse(text: &str) -> Option<Self> {
        Reader::read(text, Grammar::Literal)
    }

    /// Reads the `repr` of a value: a literal, or standard containers written as calls.
    pub fn parse_repr(text: &str) -> Option<Self> {
        Reader::read(text, Grammar::Repr)
    }

    /// Python's `==`.
    pub fn equals(&self, other: &Self) -> bool {
        !self.has_nan && !other.has_nan && self.key == other.key
    }
}

/// Are two result texts the same value? Equal text is; so are two `repr`s of equal values.
pub fn same_result(left: &str, right: &str) -> bool {
    left == right
        || matches!((Value::parse_repr(left), Value::parse_repr(right)), (Some(left), Some(right)) if left.equals(&right))
}

/// Key builder: a tag, then length-prefixed content, so that no two values share a key.
fn tagged(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut key = vec![tag];
    key.extend_from_slice(&(content.len() as u64).to_be_bytes());
    key.extend_from_slice(content);
    key
}

fn joined(parts: impl IntoIterator<Item = Vec<u8>>) -> Vec<u8> {
    parts.into_iter().flatten().collect()
}

#[derive(Clone)]
enum Number {
    /// Sign and decimal digits without leading zeros; zero is never negative.
    Int(bool, String),
    Float(f64),
    Complex(f64, f64),
}

impl Number {
    fn int(negative: bool, digits: &str) -> Self {
        let digits = digits.trim_start_matches('0');
        if digits.is_empty() { Self::Int(false, "0".into()) } else { Self::Int(negative, digits.to_owned()) }
    }

    fn negated(self) -> Self {
        match self {
            Self::Int(negative, digits) => Self::int(!negative, &digits),
            Self::Float(value) => Self::Float(-value),
            Self::Complex(real, imaginary) => Self::Complex(-real, -imaginary),
        }
    }

    fn as_f64(&self) -> f64 {
        match self {
            Self::Int(negative, digits) => {
                let value: f64 = digits.parse().unwrap_or(f64::NAN);
                if *negative { -value } else { value }
            }
            Self::Float(value) | Self::Complex(value, _) => *value,
        }
    }

    fn value(&self) -> Value {
        let key = match self {
            Self::Int(negative, digits) => tagged(if *negative { b'-' } else { b'+' }, digits.as_bytes()),
            // `{:.0}` writes a float's integer value exactly, so it meets the integer's key.
            Self::Float(value) if value.is_finite() && value.fract() == 0.0 => {
                return Self::int(*value < 0.0, &format!("{:.0}", value.abs())).value();
            }
            Self::Complex(real, imaginary) if *imaginary == 0.0 => return Self::Float(*real).value(),
            Self::Float(value) => tagged(b'f', &value.to_bits().to_be_bytes()),
            // Adding zero turns -0.0 into 0.0.
            Self::Complex(real, imaginary) => {
                let parts = [(real + 0.0).to_bits().to_be_bytes(), (imaginary + 0.0).to_bits().to_be_bytes()];
                tagged(b'c', &parts.concat())
            }
        };
        let has_nan = match self {
            Self::Int(..) => false,
            Self::Float(value) => value.is_nan(),
            Self::Complex(real, imaginary) => real.is_nan() || imaginary.is_nan(),
        };
        Value { has_nan, ..Value::atom(key) }
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Brackets around the current place: only there does an expression go on after the end of a line.
    open: u32,
    grammar: Grammar,
}

impl<'a> Reader<'a> {
    fn read(text: &'a str, grammar: Grammar) -> Option<Value> {
        // Python reads no source with a zero byte.
        if text.len() > MAX_BYTES || text.contains('\0') {
            return None;
        }
        let bytes = text.trim_matches([' ', '\t', '\n', '\r']).as_bytes();
        let mut reader = Reader { bytes, at: 0, open: 0, grammar };
        let first = reader.expression(0)?;
        // A top-level tuple needs no parentheses.
        let value = if reader.eat(b',') { reader.rest_of_tuple(first, None, 0)? } else { first };
        (reader.at == reader.bytes.len()).then_some(value)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn space(&mut self) {
        while let Some(byte) = self.peek()
            && (matches!(byte, b' ' | b'\t') || self.open > 0 && matches!(byte, b'\n' | b'\r'))
        {
            self.at += 1;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.space();
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    fn expression(&mut self, depth: u32) -> Option<Value> {
        if depth > MAX_DEPTH {
            return None;
        }
        self.space();
        match self.peek()? {
            b'(' => self.bracketed(|reader| reader.parenthesised(depth + 1)),
            b'[' => self.bracketed(|reader| reader.items(b']', depth + 1).map(|items| sequence(b'[', items))),
            b'{' => self.bracketed(|reader| reader.braces(depth + 1)),
            b'\'' | b'"' => self.strings(),
            b'0'..=b'9' | b'.' | b'-' | b'+' => self.number().map(|number| number.value()),
            b'<' if self.grammar == Grammar::Repr => self.opaque(),
            byte if byte.is_ascii_alphabetic() || byte == b'_' => self.word(depth),
            _ => None,
        }
    }

    /// Reads on behind an opening bracket, to behind the closing one.
    fn bracketed(&mut self, inner: impl FnOnce(&mut Self) -> Option<Value>) -> Option<Value> {
        self.at += 1;
        self.open += 1;
        let value = inner(self);
        self.open -= 1;
        value
    }

    /// After `(`: a tuple, or a value in parentheses.
    fn parenthesised(&mut self, depth: u32) -> Option<Value> {
        if self.eat(b')') {
            return Some(sequence(b'(', Vec::new()));
        }
        let first = self.expression(depth)?;
        if self.eat(b')') {
            return Some(first);
        }
        if self.eat(b',') { self.rest_of_tuple(first, Some(b')'), depth) } else { None }
    }

    /// After the first comma of a tuple that ends with `close`, or with the text.
    fn rest_of_tuple(&mut self, first: Value, close: Option<u8>, depth: u32) -> Option<Value> {
        let mut items = vec![first];
        loop {
            let ended = match close {
                Some(close) => self.eat(close),
                None => self.at == self.bytes.len(),
            };
            if ended {
                return Some(sequence(b'(', items));
            }
            items.push(self.expression(depth)?);
            if !self.eat(b',') {
                let ended = close.is_none_or(|close| self.eat(close));
                return ended.then(|| sequence(b'(', items));
            }
        }
    }

    /// Comma-separated values up to `close`.
    fn items(&mut self, close: u8, depth: u32) -> Option<Vec<Value>> {
        let mut items = Vec::new();
        while !self.eat(close) {
            items.push(self.expression(depth)?);
            if !self.eat(b',') {
                return self.eat(close).then_some(items);
            }
        }
        Some(items)
    }

    /// After `{`: a dict or a set.
    fn braces(&mut self, depth: u32) -> Option<Value> {
        if self.eat(b'}') {
            return Some(dict(Vec::new()));
        }
        let first = self.expression(depth)?;
        if !self.eat(b':') {
            let mut items = vec![first];
            if self.eat(b',') {
                items.extend(self.items(b'}', depth)?);
            } else if !self.eat(b'}') {
                return None;
            }
            return set(items);
        }
        let mut pairs = vec![(hashable(first)?, self.expression(depth)?)];
        loop {
            let comma = self.eat(b',');
            if self.eat(b'}') {
                return Some(dict(pairs));
            }
            if !comma {
                return None;
            }
            let key = hashable(self.expression(depth)?)?;
            if !self.eat(b':') {
                return None;
            }
            pairs.push((key, self.expression(depth)?));
        }
    }

    fn identifier(&mut self) -> &'a str {
        let start = self.at;
        while matches!(self.peek(), Some(byte) if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.')
        {
            self.at += 1;
        }
        std::str::from_utf8(&self.bytes[start..self.at]).unwrap_or("")
    }

    fn word(&mut self, depth: u32) -> Option<Value> {
        let start = self.at;
        let word = self.identifier();
        match (word, self.peek()) {
            (_, Some(b'\'' | b'"')) => {
                self.at = start;
                self.strings()
            }
            ("set", Some(b'(')) => {
                self.bracketed(|reader| reader.eat(b')').then(|| set(Vec::new())).flatten())
            }
            (_, Some(b'(')) if self.grammar == Grammar::Repr => {
                self.bracketed(|reader| reader.call(word, depth + 1))
            }
            ("None", _) => Some(Value::atom(vec![b'N'])),
            ("True", _) => Some(Number::int(false, "1").value()),
            ("False", _) => Some(Number::int(false, "0").value()),
            ("inf", _) => Some(Number::Float(f64::INFINITY).value()),
            ("nan", _) => Some(Number::Float(f64::NAN).value()),
            _ => None,
        }
    }

    /// After `name(`: a container's `repr`.
    fn call(&mut self, name: &str, depth: u32) -> Option<Value> {
        let mut items = Vec::new();
        while !self.eat(b')') {
            self.space();
            let start = self.at;
            let keyword = self.identifier();
            if !keyword.is_empty() && self.peek() == Some(b'=') {
                self.at += 1;
                items.push(sequence(b'k', vec![text(keyword.as_bytes()), self.expression(depth)?]));
            } else {
                self.at = start;
                items.push(self.expression(depth)?);
            }
            if !self.eat(b',') {
                if !self.eat(b')') {
                    return None;
                }
                break;
            }
        }
        match (name, items.len()) {
            ("Counter" | "OrderedDict", 0) => Some(dict(Vec::new())),
            ("frozenset", 0) => set(Vec::new()),
            ("Counter" | "OrderedDict" | "frozenset", 1) | ("defaultdict", 2) => items.pop(),
            _ => {
                items.insert(0, text(name.as_bytes()));
                Some(sequence(b'@', items))
            }
        }
    }

    /// `<class 'int'>`: known by its text, unless it names an address.
    fn opaque(&mut self) -> Option<Value> {
        let start = self.at;
        while self.peek()? != b'>' {
            self.at += 1;
        }
        self.at += 1;
        let content = std::str::from_utf8(&self.bytes[start..self.at]).ok()?;
        content.starts_with("<class '").then(|| Value::atom(tagged(b'<', content.as_bytes())))
    }

    /// A number with its signs, or the sum that `repr` writes for a complex number.
    fn number(&mut self) -> Option<Number> {
        let first = self.signed()?;
        if matches!(first, Number::Complex(..)) {
            return Some(first);
        }
        let before = self.at;
        self.space();
        if matches!(self.peek(), Some(b'+' | b'-'))
            && let Some(Number::Complex(_, imaginary)) = self.signed()
        {
            let real = first.as_f64();
            // Python adds no integer that is too large for a float.
            let too_large = matches!(first, Number::Int(..)) && real.is_infinite();
            return (!too_large).then_some(Number::Complex(real, imaginary));
        }
        self.at = before;
        Some(first)
    }

    fn signed(&mut self) -> Option<Number> {
        let mut negative = false;
        while let Some(sign @ (b'+' | b'-')) = self.peek() {
            negative ^= sign == b'-';
            self.at += 1;
            self.space();
        }
        let number = if matches!(self.peek(), Some(b'i' | b'n')) {
            match self.identifier() {
                "inf" => Number::Float(f64::INFINITY),
                "nan" => Number::Float(f64::NAN),
                "infj" => Number::Complex(0.0, f64::INFINITY),
                "nanj" => Number::Complex(0.0, f64::NAN),
                _ => return None,
            }
        } else {
            self.unsigned()?
        };
        Some(if negative { number.negated() } else { number })
    }

    fn unsigned(&mut self) -> Option<Number> {
        let start = self.at;
        while matches!(self.peek(), Some(byte) if byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'.')
            || (matches!(self.peek(), Some(b'+' | b'-')) && self.at > start && self.exponent_before(start))
        {
            self.at += 1;
        }
        let raw = std::str::from_utf8(&self.bytes[start..self.at]).ok()?;
        parse_number(raw)
    }

    /// Is the byte before the current one the `e` of a decimal number that began at `start`?
    fn exponent_before(&self, start: usize) -> bool {
        matches!(self.bytes[self.at - 1], b'e' | b'E')
            && !self.bytes[start..self.at].starts_with(b"0x")
            && !self.bytes[start..self.at].starts_with(b"0X")
    }

    /// One string or bytes literal, or several in a row.
    fn strings(&mut self) -> Option<Value> {
        let mut content = Vec::new();
        let mut kind = None;
        loop {
            let start = self.at;
            self.space();
            let word = self.identifier();
            if !matches!(self.peek(), Some(b'\'' | b'"')) {
                self.at = start;
                break;
            }
            let (is_bytes, raw) = match word.to_ascii_lowercase().as_str() {
                "" | "u" => (false, false),
                "r" => (false, true),
                "b" => (true, false),
                "br" | "rb" => (true, true),
                _ => return None,
            };
            if *kind.get_or_insert(is_bytes) != is_bytes {
                return None;
            }
            self.string(is_bytes, raw, &mut content)?;
        }
        Some(Value::atom(tagged(if kind? { b'b' } else { b's' }, &content)))
    }

    /// From the opening quote to the closing one.
    fn string(&mut self, is_bytes: bool, raw: bool, content: &mut Vec<u8>) -> Option<()> {
        let quote = self.peek()?;
        let triple = self.bytes[self.at..].starts_with(&[quote; 3]);
        self.at += if triple { 3 } else { 1 };
        loop {
            let byte = self.peek()?;
            if byte == quote && (!triple || self.bytes[self.at..].starts_with(&[quote; 3])) {
                self.at += if triple { 3 } else { 1 };
                return Some(());
            }
            self.at += 1;
            match byte {
                b'\n' | b'\r' if !triple => return None,
                // Python reads every line ending as "\n"; the sandbox knows best.
                b'\r' => return None,
                b'\\' if raw => {
                    content.push(b'\\');
                    content.push(self.peek()?);
                    self.at += 1;
                }
                b'\\' => self.escape(is_bytes, content)?,
                128.. if is_bytes => return None,
                _ => content.push(byte),
            }
        }
    }

    /// After a backslash.
    fn escape(&mut self, is_bytes: bool, content: &mut Vec<u8>) -> Option<()> {
        let byte = self.peek()?;
        self.at += 1;
        let code = match byte {
            b'\n' => return Some(()),
            b'\\' | b'\'' | b'"' => u32::from(byte),
            b'a' => 7,
            b'b' => 8,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            b'v' => 11,
            b'0'..=b'7' => {
                let mut code = u32::from(byte - b'0');
                for _ in 0..2 {
                    if let Some(digit @ b'0'..=b'7') = self.peek() {
                        code = code * 8 + u32::from(digit - b'0');
                        self.at += 1;
                    }
                }
                if is_bytes && code > 255 {
                    return None;
                }
                code
            }
            b'x' => self.hexadecimal(2)?,
            b'u' if !is_bytes => self.hexadecimal(4)?,
            b'U' if !is_bytes => self.hexadecimal(8)?,
            // Names of characters are the sandbox's business; other escapes stand for themselves.
            b'N' if !is_bytes => return None,
            b'\r' => return None,
            _ => {
                content.extend([b'\\', byte]);
                return Some(());
            }
        };
        if is_bytes {
            content.push(code as u8);
            return Some(());
        }
        push_code_point(code, content)
    }

    fn hexadecimal(&mut self, digits: usize) -> Option<u32> {
        let text = std::str::from_utf8(self.bytes.get(self.at..self.at + digits)?).ok()?;
        self.at += digits;
        text.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| u32::from_str_radix(text, 16).ok())?
    }
}

/// UTF-8, extended to lone surrogates, which Python strings may hold.
fn push_code_point(code: u32, content: &mut Vec<u8>) -> Option<()> {
    if let Some(character) = char::from_u32(code) {
        content.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
        return Some(());
    }
    if code > 0x10_ffff {
        return None;
    }
    content.extend([0xe0 | (code >> 12) as u8, 0x80 | (code >> 6 & 0x3f) as u8, 0x80 | (code & 0x3f) as u8]);
    Some(())
}

fn parse_number(raw: &str) -> Option<Number> {
    if raw.starts_with('_')
        || raw.ends_with('_')
        || raw.contains("__")
        || raw.contains("_.")
        || raw.contains("._")
    {
        return None;
    }
    let lower = raw.to_ascii_lowercase();
    if ["_e", "e_", "_j", "+_", "-_"].iter().any(|pair| lower.contains(pair)) {
        return None;
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = lower.strip_prefix(prefix) {
            let value = u128::from_str_radix(&digits.replace('_', ""), radix).ok()?;
            return (!digits.starts_with('+')).then(|| Number::int(false, &value.to_string()));
        }
    }
    let plain = lower.replace('_', "");
    let (body, imaginary) = plain.strip_suffix('j').map_or((plain.as_str(), false), |body| (body, true));
    let is_int = !body.is_empty() && body.bytes().all(|byte| byte.is_ascii_digit());
    if is_int && !imaginary {
        let leading_zero = body.starts_with('0') && body.bytes().any(|byte| byte != b'0');
        return (!leading_zero).then(|| Number::int(false, body));
    }
    if !body.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'+' | b'-'))
        || !body.bytes().any(|byte| byte.is_ascii_digit())
    {
        return None;
    }
    let value: f64 = body.parse().ok()?;
    Some(if imaginary { Number::Complex(0.0, value) } else { Number::Float(value) })
}

fn text(content: &[u8]) -> Value {
    Value::atom(tagged(b's', content))
}

fn sequence(tag: u8, items: Vec<Value>) -> Value {
    let has_nan = items.iter().any(|item| item.has_nan);
    // A tuple is what its items are; what a call makes of its arguments is not known.
    let hashable = tag != b'[' && (tag != b'(' || items.iter().all(|item| item.hashable));
    Value { key: tagged(tag, &joined(items.into_iter().map(|item| item.key))), has_nan, hashable }
}

/// Lists, dicts, sets and tuples that hold them cannot be members of a set or keys of a dict: such text is no value.
fn hashable(value: Value) -> Option<Value> {
    value.hashable.then_some(value)
}

fn set(items: Vec<Value>) -> Option<Value> {
    let has_nan = items.iter().any(|item| item.has_nan);
    let members: BTreeSet<Vec<u8>> =
        items.into_iter().map(|item| hashable(item).map(|item| item.key)).collect::<Option<_>>()?;
    Some(Value { key: tagged(b'{', &joined(members)), has_nan, hashable: false })
}

fn dict(pairs: Vec<(Value, Value)>) -> Value {
    // Of equal keys the last value stays.
    let entries: BTreeMap<Vec<u8>, (Vec<u8>, bool)> =
        pairs.into_iter().map(|(key, value)| (key.key, (value.key, key.has_nan || value.has_nan))).collect();
    let has_nan = entries.values().any(|(_, has_nan)| *has_nan);
    let content = entries.into_iter().flat_map(|(key, (value, _))| [key, value]);
    Value { key: tagged(b'd', &joined(content)), has_nan, hashable: false }
}

#[cfg(test)]
mod tests;
