//! Filters: conditions put together.

use std::ops::Range;

use den::{Filter, Json, Untyped, field};
use winnow::{
    Parser,
    combinator::{opt, separated},
    stream::{Stream, TokenSlice},
    token::any,
};

use super::{
    condition::condition,
    fault::Fault,
    tokens::{Kind, Token, tokens},
};

pub(super) type Input<'a> = TokenSlice<'a, Token>;
pub(super) type Parsed<T> = Result<T, Fault>;

/// So deep can a filter be nested; den itself refuses what is much deeper.
const DEEPEST: usize = 60;

/// Reads a filter; every document passes an empty one.
pub(crate) fn parse(text: &str) -> Result<Filter<Json>, Fault> {
    let tokens = tokens(text)?;
    let mut input = TokenSlice::new(&tokens);
    if is_end(&input) {
        return Ok(Filter::always());
    }
    let filter = any_of(&mut input, 0)?;
    end(&input)?;
    Ok(filter)
}

fn any_of(input: &mut Input<'_>, depth: usize) -> Parsed<Filter<Json>> {
    let all_of = |input: &mut Input<'_>| all_of(input, depth);
    separated(1.., all_of, word("or"))
        .map(|parts: Vec<_>| joined(parts, |a, b| a | b))
        .parse_next(input)
}

fn all_of(input: &mut Input<'_>, depth: usize) -> Parsed<Filter<Json>> {
    let term = |input: &mut Input<'_>| term(input, depth);
    separated(1.., term, word("and"))
        .map(|parts: Vec<_>| joined(parts, |a, b| a & b))
        .parse_next(input)
}

fn joined(
    parts: Vec<Filter<Json>>,
    join: fn(Filter<Json>, Filter<Json>) -> Filter<Json>,
) -> Filter<Json> {
    let joined = parts.into_iter().reduce(join);
    joined.unwrap_or_else(Filter::always)
}

fn term(input: &mut Input<'_>, depth: usize) -> Parsed<Filter<Json>> {
    if depth > DEEPEST {
        let span = span(input);
        return Err(Fault::new(span, "this filter is nested too deep"));
    }
    if opt(word("not")).parse_next(input)?.is_some() {
        return Ok(!term(input, depth + 1)?);
    }
    let open = span(input);
    if opt(symbol("(")).parse_next(input)?.is_some() {
        let filter = any_of(input, depth + 1)?;
        if opt(symbol(")")).parse_next(input)?.is_none() {
            if is_end(input) {
                return Err(Fault::new(open, "this bracket is never closed"));
            }
            return Err(unexpected(input, "expected `and`, `or` or `)`"));
        }
        return Ok(filter);
    }
    let subject = subject(input)?;
    condition(input, &subject)
}

/// What a condition is about.
pub(super) enum Subject {
    /// A field.
    Field(Untyped),
    /// The number of elements of a field.
    Length(Untyped),
}

fn subject(input: &mut Input<'_>) -> Parsed<Subject> {
    let is_call = matches!(input.get(1), Some(it) if it.kind == Kind::Symbol("("));
    if is_call {
        let called = span(input);
        if opt(word("len")).parse_next(input)?.is_some() {
            return bracketed_field(input).map(Subject::Length);
        }
        if matches!(current(input), Kind::Word(_)) {
            let fault = Fault::new(called, "there is no such function");
            return Err(
                fault.with_help("there is `len(field)`, and `field(name)` behind an operator")
            );
        }
    }
    field_name(input).map(Subject::Field)
}

/// `(field)`.
pub(super) fn bracketed_field(input: &mut Input<'_>) -> Parsed<Untyped> {
    expect(input, "(")?;
    let field = field_name(input)?;
    expect(input, ")")?;
    Ok(field)
}

fn field_name(input: &mut Input<'_>) -> Parsed<Untyped> {
    segments(input).map(field)
}

/// The segments of a field.
pub(super) fn segments(input: &mut Input<'_>) -> Parsed<Vec<String>> {
    let segments = match current(input) {
        Kind::Word(name) => {
            let lower = name.to_ascii_lowercase();
            if ["and", "or", "true", "false", "null"].contains(&lower.as_str()) {
                let fault = unexpected(input, "expected a field");
                return Err(fault.with_help(format!("a field of this name is written \"{name}\"")));
            }
            vec![name.clone()]
        }
        Kind::Quoted(name) => vec![name.clone()],
        Kind::Path(segments) => segments.clone(),
        Kind::Json(_) => {
            let fault = unexpected(input, "expected a field");
            return Err(fault.with_help("the field comes first: price > 20"));
        }
        Kind::Symbol("!") => {
            return Err(unexpected(input, "expected a field").with_help("write `not`"));
        }
        Kind::Pattern(_) | Kind::Symbol(_) | Kind::End => {
            return Err(unexpected(input, "expected a field"));
        }
    };
    for segment in &segments {
        if segment.is_empty() {
            return Err(Fault::new(span(input), "a field has a name"));
        }
        if segment.chars().any(char::is_control) {
            let fault = Fault::new(
                span(input),
                "the name of a field holds no control character",
            );
            return Err(fault);
        }
    }
    advance(input);
    Ok(segments)
}

fn end(input: &Input<'_>) -> Parsed<()> {
    if is_end(input) {
        return Ok(());
    }
    Err(match *current(input) == Kind::Symbol(")") {
        true => Fault::new(span(input), "no bracket is open here"),
        false => unexpected(input, "expected `and`, `or`, or the end"),
    })
}

/// A word of the language, in whatever case.
pub(super) fn word<'a>(text: &'static str) -> impl Parser<Input<'a>, (), Fault> {
    any.verify(move |it: &Token| is_word(&it.kind, text)).void()
}

pub(super) fn is_word(kind: &Kind, text: &str) -> bool {
    matches!(kind, Kind::Word(it) if it.eq_ignore_ascii_case(text))
}

pub(super) fn symbol<'a>(text: &'static str) -> impl Parser<Input<'a>, (), Fault> {
    any.verify(move |it: &Token| it.kind == Kind::Symbol(text))
        .void()
}

/// Goes on behind a symbol that has to be here.
pub(super) fn expect(input: &mut Input<'_>, text: &'static str) -> Parsed<()> {
    match opt(symbol(text)).parse_next(input)? {
        Some(()) => Ok(()),
        None => Err(unexpected(input, &format!("expected `{text}`"))),
    }
}

pub(super) fn current<'a>(input: &Input<'a>) -> &'a Kind {
    match input.peek_token() {
        Some(token) => &token.kind,
        None => &Kind::End,
    }
}

pub(super) fn span(input: &Input<'_>) -> Range<usize> {
    match input.peek_token() {
        Some(token) => token.span.clone(),
        None => 0..0,
    }
}

/// Goes on behind the word that is next; the end stays.
pub(super) fn advance(input: &mut Input<'_>) {
    if !is_end(input) {
        let _ = input.next_token();
    }
}

pub(super) fn is_end(input: &Input<'_>) -> bool {
    *current(input) == Kind::End
}

/// Something else stands where it should not.
pub(super) fn unexpected(input: &Input<'_>, expected: &str) -> Fault {
    let fault = |text: String| Fault::new(span(input), text);
    match current(input) {
        Kind::End => fault(format!("{expected}, but it ends here")),
        Kind::Symbol("&&" | "&") => fault(expected.to_owned()).with_help("write `and`"),
        Kind::Symbol("||" | "|") => fault(expected.to_owned()).with_help("write `or`"),
        Kind::Word(_)
        | Kind::Quoted(_)
        | Kind::Path(_)
        | Kind::Json(_)
        | Kind::Pattern(_)
        | Kind::Symbol(_) => fault(expected.to_owned()),
    }
}
