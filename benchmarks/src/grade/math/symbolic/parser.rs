//! Tokens into values: the reference's grammar by recursive descent, with its choices where a text is ambiguous.
//!
//! `(1,2)` is an interval, `f(2)` a function, `2\frac{1}{2}` a mixed fraction (in mode `paper` any integer before a
//! positive number is, so that `2(3)` is 5), `x=1,2` an assignment of a set. What the grammar lacks does not parse.

mod expressions;

use super::expression::Expression;
use super::lexer::{NamedSet, Sign, Token, tokens};
use num_traits::ToPrimitive;
use std::collections::HashMap;

/// Longest text that is parsed, in bytes; deepest nesting; most calls of a rule.
const LENGTH_BOUND: usize = 4_000;
const DEPTH_BOUND: usize = 60;
const STEPS_BOUND: usize = 60_000;

/// What an answer can be.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An expression, matrices included.
    Plain(Expression),
    /// A finite set, in written order.
    Set(Vec<Value>),
    /// A tuple.
    Tuple(Vec<Value>),
    /// An interval: left end, is it open, right end, is it open.
    Interval(Expression, bool, Expression, bool),
    /// A named set.
    Named(NamedSet),
    /// A union, intersection or difference of sets, by its token's sign.
    Joined(Join, Box<Value>, Box<Value>),
    /// A relation.
    Relation(Sign, Box<Value>, Box<Value>),
    /// Relations that hold together: `1 < x < 2`.
    Chain(Vec<Value>),
}

/// How two sets are joined.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Join {
    /// `\cup`
    Union,
    /// `\cap`
    Intersection,
    /// `\setminus`
    Without,
}

/// How texts are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reading {
    /// Are symbols real? The reference says no where the text looks complex.
    pub real: bool,
    /// Without the reference's surprises: `2(3)` is a product and `i` the imaginary unit.
    pub sound: bool,
}

/// Reads a text.
pub fn parse(text: &str, reading: Reading) -> Option<Value> {
    if text.len() > LENGTH_BOUND {
        return None;
    }
    let all = tokens(text)?;
    let mut parser = Parser { tokens: all, at: 0, depth: 0, steps: 0, memo: HashMap::new(), reading };
    let whole = |parser: &mut Parser, rule: fn(&mut Parser) -> Option<Value>| {
        parser.at = 0;
        parser.depth = 0;
        rule(parser).filter(|_| parser.at == parser.tokens.len())
    };
    if let Some(value) = whole(&mut parser, Parser::assignment) {
        return Some(value);
    }
    if let Some(value) = whole(&mut parser, Parser::elements) {
        return Some(grouped_number(text).map_or(value, Value::Plain));
    }
    whole(&mut parser, Parser::set_relation)
}

/// `1,234,567` is a number, not a set.
fn grouped_number(text: &str) -> Option<Expression> {
    let unsigned = text.trim().strip_prefix('-').unwrap_or(text.trim());
    let (whole, decimals) = unsigned.split_once('.').unwrap_or((unsigned, "0"));
    let mut groups = whole.split(',');
    let first = groups.next()?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let rest: Vec<&str> = groups.collect();
    let fits = digits(first)
        && first.len() <= 3
        && !rest.is_empty()
        && rest.iter().all(|group| group.len() == 3 && digits(group))
        && digits(decimals);
    if !fits {
        return None;
    }
    let number = Expression::from_digits(&unsigned.replace(',', ""))?;
    Some(if text.trim().starts_with('-') { number.negative() } else { number })
}

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    steps: usize,
    memo: HashMap<usize, Option<(Expression, usize)>>,
    reading: Reading,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.at += usize::from(found);
        found
    }

    fn expect(&mut self, token: &Token) -> Option<()> {
        self.take(token).then_some(())
    }

    /// Runs a rule; on failure nothing is consumed.
    fn attempt<T>(&mut self, rule: impl FnOnce(&mut Self) -> Option<T>) -> Option<T> {
        self.steps += 1;
        if self.steps > STEPS_BOUND || self.depth > DEPTH_BOUND {
            return None;
        }
        let start = self.at;
        self.depth += 1;
        let found = rule(self);
        self.depth -= 1;
        if found.is_none() {
            self.at = start;
        }
        found
    }

    /// `x = ...` and `x \in ...` with plain elements on the right.
    fn assignment(&mut self) -> Option<Value> {
        let left = self.symbols()?;
        self.equals_or_in()?;
        let right = self.groups(false)?;
        Some(Value::Relation(Sign::Equal, Box::new(left), Box::new(right)))
    }

    fn equals_or_in(&mut self) -> Option<()> {
        (self.take(&Token::Relation(Sign::Equal)) || self.take(&Token::In)).then_some(())
    }

    /// One symbol, or a list of symbols in parentheses.
    fn symbols(&mut self) -> Option<Value> {
        if self.take(&Token::Open('(')) {
            let mut all = vec![self.symbol()?];
            while self.take(&Token::Comma) {
                all.push(self.symbol()?);
            }
            self.expect(&Token::Close('('))?;
            let mut all: Vec<Value> = all.into_iter().map(Value::Plain).collect();
            return Some(if all.len() == 1 { all.remove(0) } else { Value::Tuple(all) });
        }
        self.symbol().map(Value::Plain)
    }

    fn elements(&mut self) -> Option<Value> {
        self.groups(true)
    }

    /// Elements parted by commas and semicolons, as a set or a single value.
    fn groups(&mut self, relations: bool) -> Option<Value> {
        let mut groups = self.semicolon_groups(relations)?;
        if groups.len() == 1 {
            let mut only = groups.remove(0);
            return Some(if only.len() == 1 { only.remove(0) } else { Value::Set(only) });
        }
        if groups.iter().all(|group| group.len() == 1) {
            return Some(Value::Set(groups.into_iter().flatten().collect()));
        }
        Some(Value::Set(groups.into_iter().map(Value::Tuple).collect()))
    }

    fn semicolon_groups(&mut self, relations: bool) -> Option<Vec<Vec<Value>>> {
        self.attempt(|parser| {
            let mut groups = vec![parser.comma_group(relations)?];
            while parser.take(&Token::Semicolon) {
                groups.push(parser.comma_group(relations)?);
            }
            Some(groups)
        })
    }

    fn comma_group(&mut self, relations: bool) -> Option<Vec<Value>> {
        let mut all = self.element(relations)?;
        while self.take(&Token::Comma) {
            all.extend(self.element(relations)?);
        }
        Some(all)
    }

    fn element(&mut self, relations: bool) -> Option<Vec<Value>> {
        self.attempt(|parser| {
            if parser.take(&Token::PlusMinus) {
                let value = parser.expression()?;
                return Some(vec![Value::Plain(value.clone().negative()), Value::Plain(value)]);
            }
            if let Some(set) = parser.attempt(|parser| {
                let set = parser.set_atom()?;
                parser.at_delimiter().then_some(set)
            }) {
                return Some(vec![set]);
            }
            let first = parser.expression()?;
            if parser.take(&Token::PlusMinus) {
                let second = parser.expression()?;
                let plus = Expression::sum(first.clone(), second.clone());
                return Some(vec![Value::Plain(plus), Value::Plain(first.minus(second))]);
            }
            if relations {
                parser.relation(first).map(|value| vec![value])
            } else {
                Some(vec![Value::Plain(first)])
            }
        })
    }

    fn at_delimiter(&self) -> bool {
        match self.peek() {
            None
            | Some(Token::Comma | Token::Semicolon | Token::CloseBrace | Token::CloseSet | Token::Close(_)) => {
                true
            }
            Some(_) => false,
        }
    }

    /// `a < b < c`, from its first side on.
    fn relation(&mut self, first: Expression) -> Option<Value> {
        let mut relations: Vec<Value> = Vec::new();
        let mut left = first;
        let mut plain = None;
        loop {
            let sign = match self.peek() {
                Some(Token::Relation(sign)) => *sign,
                Some(Token::In) => return None,
                _ => break,
            };
            self.at += 1;
            let right = self.expression()?;
            if sign == Sign::Near {
                // `x \approx 3` is 3; anything else is its left side.
                if !relations.is_empty() {
                    continue;
                }
                let kept = if only_symbols(&left) { right } else { left.clone() };
                left = kept.clone();
                plain = Some(kept);
                continue;
            }
            let value =
                Value::Relation(sign, Box::new(Value::Plain(left)), Box::new(Value::Plain(right.clone())));
            relations.push(value);
            left = right;
        }
        Some(match relations.len() {
            0 => Value::Plain(plain.unwrap_or(left)),
            1 => relations.remove(0),
            _ => Value::Chain(relations),
        })
    }

    fn set_relation(&mut self) -> Option<Value> {
        self.attempt(|parser| {
            if let Some(left) = parser.attempt(|parser| {
                let left = parser.symbols()?;
                parser.equals_or_in()?;
                Some(left)
            }) {
                let right = parser.set_relation()?;
                return Some(Value::Relation(Sign::Equal, Box::new(left), Box::new(right)));
            }
            parser.joined()
        })
    }

    fn joined(&mut self) -> Option<Value> {
        self.left_join(&[(Token::Without, Join::Without)], |parser| {
            parser.left_join(&[(Token::Union, Join::Union)], |parser| {
                parser.left_join(&[(Token::Intersection, Join::Intersection)], Self::set_group)
            })
        })
    }

    fn left_join(
        &mut self,
        signs: &[(Token, Join)],
        side: impl Fn(&mut Self) -> Option<Value>,
    ) -> Option<Value> {
        let mut left = side(self)?;
        while let Some((_, join)) = signs.iter().find(|(token, _)| self.peek() == Some(token)) {
            self.at += 1;
            let right = side(self)?;
            left = Value::Joined(*join, Box::new(as_set(left)), Box::new(as_set(right)));
        }
        Some(left)
    }

    fn set_group(&mut self) -> Option<Value> {
        self.attempt(|parser| {
            let inner = parser.attempt(|parser| {
                parser.expect(&Token::Open('('))?;
                let inner = parser.joined()?;
                parser.expect(&Token::Close('('))?;
                Some(inner)
            });
            inner.or_else(|| parser.set_atom())
        })
    }

    fn set_atom(&mut self) -> Option<Value> {
        self.attempt(|parser| match parser.peek()?.clone() {
            Token::Set(set) => {
                parser.at += 1;
                Some(Value::Named(set))
            }
            Token::Empty => {
                parser.at += 1;
                Some(Value::Set(Vec::new()))
            }
            Token::Open(open) => {
                if let Some(interval) = parser.attempt(|parser| parser.interval(open)) {
                    return Some(interval);
                }
                if open != '(' && open != '[' && open != 'v' {
                    return None;
                }
                parser.at += 1;
                let groups = parser.semicolon_groups(true)?;
                parser.expect(&Token::Close(open))?;
                let mut all: Vec<Value> = groups.into_iter().flatten().collect();
                Some(if all.len() == 1 { all.remove(0) } else { Value::Tuple(all) })
            }
            open @ (Token::OpenBrace | Token::OpenSet) => {
                parser.at += 1;
                let close = if open == Token::OpenBrace { Token::CloseBrace } else { Token::CloseSet };
                if open == Token::OpenBrace && parser.take(&close) {
                    return Some(Value::Set(Vec::new()));
                }
                let groups = parser.semicolon_groups(true)?;
                parser.expect(&close)?;
                Some(Value::Set(groups.into_iter().flatten().collect()))
            }
            _ => None,
        })
    }

    fn interval(&mut self, open: char) -> Option<Value> {
        self.at += 1;
        let left = self.expression()?;
        self.expect(&Token::Comma)?;
        let right = self.expression()?;
        let Some(Token::Close(close)) = self.peek().cloned() else { return None };
        self.at += 1;
        let is_open = |bracket: char| matches!(bracket, '(' | 'v' | 'g');
        Some(interval(left, is_open(open), right, is_open(close)))
    }
}

/// Nothing but symbols: the left side of an assignment.
pub fn only_symbols(expression: &Expression) -> bool {
    match expression {
        Expression::Symbol { .. } => true,
        Expression::Sum(parts) | Expression::Product(parts) | Expression::Call(_, parts) => {
            parts.iter().all(only_symbols)
        }
        Expression::Power(base, exponent) => {
            (**exponent == Expression::integer(-1) || only_symbols(exponent)) && only_symbols(base)
        }
        _ => false,
    }
}

fn as_set(value: Value) -> Value {
    match value {
        Value::Tuple(all) => Value::Set(all),
        other => other,
    }
}

/// An interval, or what the reference makes of one whose ends are not in order.
fn interval(left: Expression, left_open: bool, right: Expression, right_open: bool) -> Value {
    let order = compare_ends(&left, &right);
    let tuple = || Value::Tuple(vec![Value::Plain(left.clone()), Value::Plain(right.clone())]);
    match order {
        Some(order) if left_open && right_open && order.is_ge() => tuple(),
        Some(order) if !left_open && !right_open && order.is_gt() => tuple(),
        Some(order) if order.is_gt() || (order.is_eq() && (left_open || right_open)) => {
            Value::Set(Vec::new())
        }
        Some(order) if order.is_eq() => Value::Set(vec![Value::Plain(left)]),
        _ => {
            let infinite = |end: &Expression| end.is_number() && end.exact().is_none();
            let (left_open, right_open) = (left_open || infinite(&left), right_open || infinite(&right));
            Value::Interval(left, left_open, right, right_open)
        }
    }
}

/// Order of two real constants; `None` where one is none.
pub fn compare_ends(left: &Expression, right: &Expression) -> Option<std::cmp::Ordering> {
    if let (Some(left), Some(right)) = (left.exact(), right.exact()) {
        return Some(left.value.cmp(&right.value));
    }
    let value = |end: &Expression| match end {
        Expression::Infinity => Some(f64::INFINITY),
        Expression::Product(factors) if factors.contains(&Expression::Infinity) => {
            let sign = factors
                .iter()
                .filter(|factor| **factor != Expression::Infinity)
                .try_fold(1.0, |sign, factor| Some(sign * factor.exact()?.value.to_f64()?.signum()))?;
            Some(sign * f64::INFINITY)
        }
        end if end.is_constant() => {
            end.numeric(0).filter(|value| value.im.abs() < 1e-12).map(|value| value.re)
        }
        _ => None,
    };
    value(left)?.partial_cmp(&value(right)?)
}
