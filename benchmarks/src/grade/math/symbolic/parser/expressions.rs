//! The part of the grammar that reads expressions: sums, products, functions, scripts, matrices.

use super::super::expression::Expression;
use super::super::lexer::{Sign, Token};
use super::super::matrix::determinant;
use super::{DEPTH_BOUND, Parser};
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::{One, Signed};

impl Parser {
    pub(super) fn expression(&mut self) -> Option<Expression> {
        let start = self.at;
        if let Some(known) = self.memo.get(&start) {
            let (value, end) = known.clone()?;
            self.at = end;
            return Some(value);
        }
        // A failure by depth must not be remembered for a shallower try.
        if self.depth > DEPTH_BOUND {
            return None;
        }
        let found = self.attempt(Self::additive);
        let end = self.at;
        self.memo.insert(start, found.clone().map(|value| (value, end)));
        found
    }

    fn additive(&mut self) -> Option<Expression> {
        let mut total = self.multiplicative(true)?;
        loop {
            let sign = match self.peek() {
                Some(Token::Plus) => false,
                Some(Token::Minus) => true,
                _ => return Some(total),
            };
            let start = self.at;
            self.at += 1;
            let Some(next) = self.multiplicative(true) else {
                self.at = start;
                return Some(total);
            };
            total = Expression::sum(total, if sign { next.negative() } else { next });
        }
    }

    /// A product; `functions` says whether functions may stand in it (not in an argument without parentheses).
    fn multiplicative(&mut self, functions: bool) -> Option<Expression> {
        let mut total = self.signed(functions)?;
        loop {
            let sign = match self.peek() {
                Some(sign @ (Token::Times | Token::Divide | Token::Modulo)) => sign.clone(),
                _ => return Some(total),
            };
            let start = self.at;
            self.at += 1;
            let Some(next) = self.signed(functions) else {
                self.at = start;
                return Some(total);
            };
            total = match sign {
                Token::Times => Expression::product(total, next),
                Token::Divide => total.divided_by(next),
                _ => Expression::Call("mod".into(), vec![total, next]),
            };
        }
    }

    fn signed(&mut self, functions: bool) -> Option<Expression> {
        self.attempt(|parser| {
            if parser.take(&Token::Plus) {
                return parser.signed(functions);
            }
            if parser.take(&Token::Minus) {
                return parser.signed(functions).map(Expression::negative);
            }
            let mut factors = vec![parser.postfix(true)?];
            while let Some(next) = parser.attempt(|parser| parser.postfix(functions)) {
                factors.push(next);
            }
            Some(parser.juxtaposed(factors))
        })
    }

    /// Factors side by side, from the right: an integer before a positive number is a mixed fraction.
    fn juxtaposed(&self, factors: Vec<(Expression, bool)>) -> Expression {
        let mut factors = factors.into_iter().rev();
        let Some((mut total, mut is_fraction)) = factors.next() else { return Expression::integer(1) };
        for (factor, _) in factors {
            let mixed = match (&factor, &total) {
                (Expression::Number(whole), Expression::Number(part))
                    if whole.is_integer() && part.is_positive() && (!self.reading.sound || is_fraction) =>
                {
                    Some(if whole.is_negative() { whole - part } else { whole + part })
                }
                _ => None,
            };
            total = mixed.map_or_else(|| Expression::product(factor, total), Expression::Number);
            is_fraction = false;
        }
        total
    }

    /// A factor with its exponents and what follows it, and whether it is a fraction.
    fn postfix(&mut self, functions: bool) -> Option<(Expression, bool)> {
        let is_fraction = self.peek() == Some(&Token::Fraction);
        let mut value = self.attempt(|parser| parser.atom_or_group(functions))?;
        let mut plain = true;
        loop {
            if self.take(&Token::Ignored) {
            } else if self.take(&Token::Factorial) {
                value = Expression::Call("factorial".into(), vec![value]);
                plain = false;
            } else if self.peek() == Some(&Token::Caret) {
                let start = self.at;
                self.at += 1;
                let Some(exponent) = self.script() else {
                    self.at = start;
                    return Some((value, is_fraction && plain));
                };
                self.subscript();
                value = value.power(exponent);
                plain = false;
            } else {
                return Some((value, is_fraction && plain));
            }
        }
    }

    /// An exponent or subscript: an atom, or an expression in braces.
    fn script(&mut self) -> Option<Expression> {
        self.attempt(|parser| {
            if parser.take(&Token::OpenBrace) {
                let value = parser.expression()?;
                parser.expect(&Token::CloseBrace)?;
                return Some(value);
            }
            parser.atom()
        })
    }

    /// The text of a subscript, empty if there is none.
    fn subscript(&mut self) -> String {
        let start = self.at;
        let read = self.attempt(|parser| {
            parser.expect(&Token::Underscore)?;
            if parser.take(&Token::OpenBrace) {
                parser.expression()?;
                while parser.take(&Token::Comma) {
                    parser.expression()?;
                }
                return parser.expect(&Token::CloseBrace);
            }
            parser.atom().map(|_| ())
        });
        if read.is_none() { String::new() } else { written(&self.tokens[start..self.at]) }
    }

    fn atom_or_group(&mut self, functions: bool) -> Option<Expression> {
        let token = self.peek()?.clone();
        let close = match token {
            Token::Open('(') => Some(Token::Close('(')),
            Token::Open('g') => Some(Token::Close('g')),
            Token::Open('[') => Some(Token::Close('[')),
            Token::Open('b') => Some(Token::Close('b')),
            Token::OpenBrace => Some(Token::CloseBrace),
            Token::OpenSet => Some(Token::CloseSet),
            Token::Bar => Some(Token::Bar),
            Token::OpenFloor => Some(Token::CloseFloor),
            Token::OpenCeiling => Some(Token::CloseCeiling),
            _ => None,
        };
        if let Some(close) = close {
            self.at += 1;
            let inner = self.expression()?;
            self.expect(&close)?;
            let call = |name: &str, inner| Some(Expression::Call(name.into(), vec![inner]));
            return match token {
                Token::Bar => call("abs", inner),
                Token::OpenFloor => call("floor", inner),
                Token::OpenCeiling => call("ceil", inner),
                _ => Some(inner),
            };
        }
        match token {
            Token::Fraction | Token::Binomial => {
                self.at += 1;
                let above = self.braced()?;
                let below = self.braced()?;
                Some(if token == Token::Fraction {
                    above.divided_by(below)
                } else {
                    Expression::Call("binomial".into(), vec![above, below])
                })
            }
            Token::BeginMatrix => self.matrix(&Token::EndMatrix).map(Expression::Matrix),
            Token::BeginDeterminant => {
                let rows = self.matrix(&Token::EndDeterminant)?;
                determinant(&rows)
            }
            _ => {
                if functions && let Some(call) = self.attempt(Self::function) {
                    return Some(call);
                }
                self.atom()
            }
        }
    }

    fn braced(&mut self) -> Option<Expression> {
        self.expect(&Token::OpenBrace)?;
        let inner = self.expression()?;
        self.expect(&Token::CloseBrace)?;
        Some(inner)
    }

    fn matrix(&mut self, end: &Token) -> Option<Vec<Vec<Expression>>> {
        self.at += 1;
        let mut rows = Vec::new();
        loop {
            let mut row = vec![self.expression()?];
            while self.take(&Token::Column) {
                row.push(self.expression()?);
            }
            rows.push(row);
            let more = self.take(&Token::Row);
            if self.take(end) {
                break;
            }
            if !more {
                return None;
            }
        }
        let width = rows.first().map_or(0, Vec::len);
        rows.iter().all(|row| row.len() == width).then_some(rows)
    }

    fn function(&mut self) -> Option<Expression> {
        match self.peek()?.clone() {
            Token::Function(name) => {
                self.at += 1;
                self.known_function(name)
            }
            Token::ManyFunction(name) => {
                self.at += 1;
                let arguments = self.arguments()?;
                Some(Expression::Call(name.into(), arguments))
            }
            Token::Gamma => {
                self.at += 1;
                let argument = self.argument()?;
                Some(Expression::Call("?gamma".into(), vec![argument]))
            }
            Token::Root => {
                self.at += 1;
                let degree = if self.take(&Token::Open('[')) {
                    let degree = self.expression()?;
                    self.expect(&Token::Close('['))?;
                    degree
                } else {
                    Expression::integer(2)
                };
                let inner = self.braced()?;
                Some(inner.power(Expression::integer(1).divided_by(degree)))
            }
            Token::Euler => {
                self.at += 1;
                Some(match self.exponent() {
                    Some(exponent) => Expression::Euler.power(exponent),
                    None => Expression::Euler,
                })
            }
            Token::Series(name) => {
                self.at += 1;
                self.series(name)
            }
            Token::Symbol { .. } => self.applied_symbol(),
            _ => None,
        }
    }

    fn exponent(&mut self) -> Option<Expression> {
        self.attempt(|parser| {
            parser.expect(&Token::Caret)?;
            parser.script()
        })
    }

    fn known_function(&mut self, name: &'static str) -> Option<Expression> {
        let mut base = None;
        let mut power = None;
        loop {
            if base.is_none() && self.peek() == Some(&Token::Underscore) {
                base = Some(self.attempt(|parser| {
                    parser.at += 1;
                    parser.script()
                })?);
            } else if power.is_none() && self.peek() == Some(&Token::Caret) {
                power = Some(self.exponent()?);
            } else {
                break;
            }
        }
        let argument = self.argument()?;
        let inverse = power == Some(Expression::integer(-1))
            && matches!(name, "sin" | "cos" | "tan" | "csc" | "sec" | "cot" | "sinh" | "cosh" | "tanh");
        let value = match name {
            "log" => Expression::Call(
                "log".into(),
                vec![argument, base.unwrap_or_else(|| Expression::integer(10))],
            ),
            "ln" => match base {
                Some(base) => Expression::Call("log".into(), vec![argument, base]),
                None => Expression::Call("ln".into(), vec![argument]),
            },
            "exp" => Expression::Euler.power(argument),
            "det" => match &argument {
                Expression::Matrix(rows) => determinant(rows)?,
                _ => return None,
            },
            "arcsinh" => Expression::Call("arsinh".into(), vec![argument]),
            "arccosh" => Expression::Call("arcosh".into(), vec![argument]),
            "arctanh" => Expression::Call("artanh".into(), vec![argument]),
            "sinh" | "cosh" | "tanh" if inverse => Expression::Call(format!("ar{name}"), vec![argument]),
            _ if inverse => Expression::Call(format!("arc{name}"), vec![argument]),
            _ => Expression::Call(name.into(), vec![argument]),
        };
        Some(match power {
            Some(power) if !inverse => value.power(power),
            _ => value,
        })
    }

    /// An argument in parentheses, else a product without functions.
    fn argument(&mut self) -> Option<Expression> {
        self.attempt(|parser| {
            parser.expect(&Token::Open('('))?;
            let inner = parser.expression()?;
            parser.expect(&Token::Close('('))?;
            Some(inner)
        })
        .or_else(|| self.multiplicative_argument())
    }

    fn multiplicative_argument(&mut self) -> Option<Expression> {
        self.attempt(|parser| parser.multiplicative(false))
    }

    fn arguments(&mut self) -> Option<Vec<Expression>> {
        self.expect(&Token::Open('('))?;
        let mut all = vec![self.expression()?];
        while self.take(&Token::Comma) {
            all.push(self.expression()?);
        }
        self.expect(&Token::Close('('))?;
        Some(all)
    }

    fn series(&mut self, name: &'static str) -> Option<Expression> {
        let mut bounds = None;
        let mut last = None;
        for _ in 0..2 {
            if self.take(&Token::Underscore) {
                self.expect(&Token::OpenBrace)?;
                let variable = self.expression()?;
                self.expect(&Token::Relation(Sign::Equal))?;
                bounds = Some((variable, self.expression()?));
                self.expect(&Token::CloseBrace)?;
            } else {
                last = self.exponent();
            }
        }
        let (Expression::Symbol { name: variable, .. }, first) = bounds? else { return None };
        let body = self.attempt(|parser| parser.multiplicative(true))?;
        Some(Expression::Series(name, Box::new(body), variable, Box::new(first), Box::new(last?)))
    }

    /// `f(x)`: one atom or a list between the parentheses; other contents are a product.
    fn applied_symbol(&mut self) -> Option<Expression> {
        let Some(Token::Symbol { written, .. }) = self.peek().cloned() else { return None };
        self.at += 1;
        let name = format!("?{written}{}", self.subscript());
        let power = self.exponent();
        let braces = self.take(&Token::OpenBrace);
        let close = match self.peek()? {
            Token::Open('(') => Token::Close('('),
            Token::Open('[') => Token::Close('['),
            _ => return None,
        };
        self.at += 1;
        let single = self.attempt(|parser| {
            let atom = parser.atom()?;
            (parser.peek() == Some(&close)).then_some(atom)
        });
        let mut arguments = Vec::new();
        if let Some(single) = single {
            arguments.push(single);
        } else {
            arguments.push(self.expression()?);
            self.expect(&Token::Comma)?;
            while self.peek() != Some(&close) {
                arguments.push(self.expression()?);
                if !self.take(&Token::Comma) {
                    break;
                }
            }
        }
        self.expect(&close)?;
        if braces {
            self.expect(&Token::CloseBrace)?;
        }
        let call = Expression::Call(name, arguments);
        Some(match power {
            Some(power) => call.power(power),
            None => call,
        })
    }

    /// A symbol with its subscript; an exponent before or after it is taken by the caller.
    pub(super) fn symbol(&mut self) -> Option<Expression> {
        self.attempt(|parser| {
            let Some(Token::Symbol { name, .. }) = parser.peek().cloned() else { return None };
            parser.at += 1;
            // An exponent may stand before the subscript: `x^2_1`.
            let power = if parser.peek() == Some(&Token::Caret) {
                parser.attempt(|parser| {
                    let power = parser.exponent()?;
                    (parser.peek() == Some(&Token::Underscore)).then_some(power)
                })
            } else {
                None
            };
            let subscript = parser.subscript();
            let symbol = match name.as_str() {
                "I" if subscript.is_empty() => Expression::Imaginary,
                "pi" if subscript.is_empty() => Expression::Pi,
                "i" if subscript.is_empty() && parser.reading.sound => Expression::Imaginary,
                _ => {
                    let name = format!("{name}{subscript}").to_lowercase();
                    Expression::Symbol { name, real: parser.reading.real }
                }
            };
            Some(match power {
                Some(power) => symbol.power(power),
                None => symbol,
            })
        })
    }

    fn atom(&mut self) -> Option<Expression> {
        let real = self.reading.real;
        match self.peek()?.clone() {
            Token::Symbol { .. } => self.symbol(),
            Token::Infinity => {
                self.at += 1;
                Some(Expression::Infinity)
            }
            Token::Number(digits) => {
                self.at += 1;
                let value = Expression::from_digits(&digits)?;
                let subscript = self.subscript();
                // In a sound reading the base is part of the number.
                Some(if self.reading.sound && !subscript.is_empty() {
                    Expression::Call(format!("?base{subscript}"), vec![value])
                } else {
                    value
                })
            }
            Token::Percent(digits) => {
                self.at += 1;
                let hundredth = BigRational::new(BigInt::one(), BigInt::from(100));
                Some(Expression::Product(vec![
                    Expression::from_digits(&digits)?,
                    Expression::Number(hundredth),
                ]))
            }
            Token::CapitalE => {
                self.at += 1;
                // The reference has no subscript here; a text with one does not parse there.
                let subscript = if self.reading.sound { self.subscript() } else { String::new() };
                Some(Expression::Symbol { name: format!("e{subscript}"), real })
            }
            Token::Differential(name) => {
                self.at += 1;
                Some(Expression::Symbol { name: format!("d{name}"), real })
            }
            _ => None,
        }
    }
}

/// The subscript as it stands, for the name of a symbol.
fn written(tokens: &[Token]) -> String {
    let text: String = tokens[1..]
        .iter()
        .map(|token| match token {
            Token::Symbol { written, .. } => written.clone(),
            Token::Number(digits) => digits.clone(),
            Token::Euler => "e".into(),
            Token::Differential(name) => format!("d{name}"),
            other => format!("{other:?}"),
        })
        .filter(|text| text != "OpenBrace" && text != "CloseBrace")
        .collect();
    format!("_{text}")
}
