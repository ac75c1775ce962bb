//! The words of a filter.

use std::ops::Range;

use den::Json;
use winnow::{
    LocatingSlice, Parser,
    combinator::{alt, preceded, repeat},
    stream::{Location, Stream},
    token::{one_of, take_while},
};

use super::fault::Fault;

/// A word of a filter and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) span: Range<usize>,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A plain word: a field, or a word of the language.
    Word(String),
    /// Text in quotes: a value, or a field with an odd name.
    Quoted(String),
    /// A field of several segments.
    Path(Vec<String>),
    /// A number, list or object, as JSON has them.
    Json(Json),
    /// `/a regular expression/`.
    Pattern(String),
    /// An operator, bracket or comma.
    Symbol(&'static str),
    /// The end of the text.
    End,
}

impl Location for Token {
    fn previous_token_end(&self) -> usize {
        self.span.end
    }

    fn current_token_start(&self) -> usize {
        self.span.start
    }
}

type Input<'a> = LocatingSlice<&'a str>;
type Parsed<T> = Result<T, Fault>;

/// Longer ones first. Those that mean nothing here are read all the same, to be able to say so.
const SYMBOLS: &[&str] = &[
    "===", "!==", "==", "!=", "<>", "<=", ">=", "=~", "!~", "~=", "&&", "||", "=", "<", ">", "(",
    ")", ",", "!", "&", "|", ";", "~", "*", "+", "%", ".", "-",
];

/// Takes a text apart. The last token is the end.
pub(super) fn tokens(text: &str) -> Parsed<Vec<Token>> {
    let mut input = LocatingSlice::new(text);
    let mut tokens = Vec::new();
    loop {
        space(&mut input)?;
        let start = input.current_token_start();
        if input.is_empty() {
            tokens.push(Token {
                kind: Kind::End,
                span: start..start,
            });
            return Ok(tokens);
        }
        let kind = token(&mut input)?;
        let span = start..input.previous_token_end();
        tokens.push(Token { kind, span });
    }
}

fn space(input: &mut Input<'_>) -> Parsed<()> {
    take_while(0.., char::is_whitespace)
        .void()
        .parse_next(input)
}

fn token(input: &mut Input<'_>) -> Parsed<Kind> {
    let it = alt((number, field_or_text, structure, pattern, symbol)).parse_next(input);
    it.map_err(|fault: Fault| {
        if !winnow::error::ParserError::<Input<'_>>::is_backtrack(&fault) {
            return fault;
        }
        let start = input.current_token_start();
        let odd = input.chars().next().unwrap_or(' ');
        let span = start..start + odd.len_utf8();
        let fault = Fault::new(span, format!("{odd:?} means nothing in a filter"));
        match odd {
            '“' | '”' | '‘' | '’' | '`' | '«' | '»' => {
                fault.with_help("text stands in plain quotes: \"text\" or 'text'")
            }
            _ => fault,
        }
    })
}

/// A word, a quoted text, or several of them with dots between.
fn field_or_text(input: &mut Input<'_>) -> Parsed<Kind> {
    let is_quoted = input.starts_with(['"', '\'']);
    let first = alt((quoted, word(is_word_start))).parse_next(input)?;
    let more: Vec<String> = repeat(0.., preceded('.', segment)).parse_next(input)?;
    if more.is_empty() {
        return Ok(match is_quoted {
            true => Kind::Quoted(first),
            false => Kind::Word(first),
        });
    }
    let mut segments = vec![first];
    segments.extend(more);
    Ok(Kind::Path(segments))
}

fn segment(input: &mut Input<'_>) -> Parsed<String> {
    alt((quoted, word(is_word_part))).parse_next(input)
}

fn word<'a>(first: fn(char) -> bool) -> impl Parser<Input<'a>, String, Fault> {
    (one_of(first), take_while(0.., is_word_part))
        .take()
        .map(str::to_owned)
}

fn is_word_start(it: char) -> bool {
    it.is_alphabetic() || matches!(it, '_' | '$' | '@' | '#')
}

fn is_word_part(it: char) -> bool {
    it.is_alphanumeric() || matches!(it, '_' | '$' | '@' | '#' | '-')
}

/// Text in single or double quotes, with the escapes of JSON.
fn quoted(input: &mut Input<'_>) -> Parsed<String> {
    let start = input.current_token_start();
    let quote = one_of(['"', '\'']).parse_next(input)?;
    let mut text = String::new();
    loop {
        let at = input.current_token_start();
        match input.next_token() {
            None => {
                return Err(Fault::new(start..at, "this text has no closing quote"));
            }
            Some(it) if it == quote => return Ok(text),
            Some('\\') => text.push(escape(input, at)?),
            Some(it) => text.push(it),
        }
    }
}

fn escape(input: &mut Input<'_>, start: usize) -> Parsed<char> {
    let Some(it) = input.next_token() else {
        let fault = Fault::new(start..start + 1, "this text has no closing quote");
        return Err(fault.with_help("a backslash itself is written \\\\"));
    };
    match it {
        '"' | '\'' | '\\' | '/' => Ok(it),
        'n' => Ok('\n'),
        't' => Ok('\t'),
        'r' => Ok('\r'),
        'b' => Ok('\u{8}'),
        'f' => Ok('\u{c}'),
        'u' => unicode(input, start),
        other => {
            let span = start..start + 1 + other.len_utf8();
            Err(Fault::new(span, format!("\\{other} is no escape"))
                .with_help("a backslash itself is written \\\\; a regular expression can stand between slashes: /\\d+/"))
        }
    }
}

/// What follows `\u`: four digits, twice for what does not fit.
fn unicode(input: &mut Input<'_>, start: usize) -> Parsed<char> {
    let first = four_digits(input, start)?;
    if let Some(it) = char::from_u32(first) {
        return Ok(it);
    }
    let second = match (first, input.next_slice_if("\\u")) {
        (0xD800..=0xDBFF, true) => four_digits(input, start)?,
        _ => 0,
    };
    let joined = (0xDC00..=0xDFFF).contains(&second).then(|| {
        let (high, low) = (first - 0xD800, second - 0xDC00);
        0x1_0000 + (high << 10) + low
    });
    joined.and_then(char::from_u32).ok_or_else(|| {
        let span = start..input.previous_token_end();
        Fault::new(span, "this escape is half of a character")
    })
}

fn four_digits(input: &mut Input<'_>, start: usize) -> Parsed<u32> {
    let digits: Parsed<&str> =
        take_while(4..=4, |it: char| it.is_ascii_hexdigit()).parse_next(input);
    let value = digits.ok().and_then(|it| u32::from_str_radix(it, 16).ok());
    value.ok_or_else(|| {
        let span = start..input.current_token_start();
        Fault::new(span, "\\u takes four hexadecimal digits").with_help("for instance \\u00e9")
    })
}

trait NextIf {
    fn next_slice_if(&mut self, text: &str) -> bool;
}

impl NextIf for Input<'_> {
    /// Goes on behind `text`, if it is next.
    fn next_slice_if(&mut self, text: &str) -> bool {
        let found = self.starts_with(text);
        if found {
            self.next_slice(text.len());
        }
        found
    }
}

fn number(input: &mut Input<'_>) -> Parsed<Kind> {
    let digits = |it: char| it.is_ascii_digit();
    let start = input.current_token_start();
    let text: &str = (
        winnow::combinator::opt('-'),
        take_while(1.., digits),
        winnow::combinator::opt(('.', take_while(1.., digits))),
        winnow::combinator::opt((
            one_of(['e', 'E']),
            winnow::combinator::opt(one_of(['+', '-'])),
            take_while(1.., digits),
        )),
    )
        .take()
        .parse_next(input)?;
    let span = start..input.previous_token_end();
    if let Some(odd) = input
        .chars()
        .next()
        .filter(|it| is_word_part(*it) || *it == '.')
    {
        let tail = input
            .chars()
            .take_while(|it| is_word_part(*it) || matches!(it, '.' | ':'))
            .map(char::len_utf8)
            .sum::<usize>();
        let fault = Fault::new(span.start..span.end + tail, "this is no number");
        return Err(match odd {
            '.' => fault.with_help("digits stand on both sides of the point"),
            _ => fault.with_help("text, times included, stands in quotes"),
        });
    }
    match serde_json::from_str(text) {
        Ok(value) => Ok(Kind::Json(value)),
        Err(_) if text.trim_start_matches('-').starts_with('0') => {
            Err(Fault::new(span, "a number does not begin with 0"))
        }
        Err(_) => Err(Fault::new(span, "this number is too large")),
    }
}

/// A list or object, as JSON has them.
fn structure(input: &mut Input<'_>) -> Parsed<Kind> {
    let start = input.current_token_start();
    winnow::combinator::peek(one_of(['[', '{'])).parse_next(input)?;
    let rest: &str = input.as_ref();
    let mut values = serde_json::Deserializer::from_str(rest).into_iter::<Json>();
    match values.next() {
        Some(Ok(value)) => {
            let length = values.byte_offset();
            input.next_slice(length);
            Ok(Kind::Json(value))
        }
        Some(Err(error)) => {
            let at = start + offset(rest, error.line(), error.column());
            let fault = Fault::new(at..at + 1, "this is no JSON");
            let why = error.to_string();
            let why = why.split(" at line ").next().unwrap_or_default();
            Err(fault.with_help(why))
        }
        None => Err(Fault::new(start..start + 1, "this is no JSON")),
    }
}

/// Where line and column (from 1, in bytes) are.
fn offset(text: &str, line: usize, column: usize) -> usize {
    let lines = text.split_inclusive('\n').take(line.saturating_sub(1));
    let before: usize = lines.map(str::len).sum();
    (before + column.saturating_sub(1)).min(text.len())
}

fn pattern(input: &mut Input<'_>) -> Parsed<Kind> {
    let start = input.current_token_start();
    '/'.parse_next(input)?;
    let mut text = String::new();
    loop {
        let at = input.current_token_start();
        match input.next_token() {
            None => {
                let span = start..at;
                return Err(Fault::new(
                    span,
                    "this regular expression has no closing slash",
                ));
            }
            Some('/') => return Ok(Kind::Pattern(text)),
            Some('\\') if input.next_slice_if("/") => text.push('/'),
            Some('\\') => {
                text.push('\\');
                // A doubled backslash does not escape the slash behind it.
                text.extend(input.next_token());
            }
            Some(it) => text.push(it),
        }
    }
}

fn symbol(input: &mut Input<'_>) -> Parsed<Kind> {
    let found = SYMBOLS.iter().find(|it| input.starts_with(**it));
    match found {
        Some(symbol) => {
            input.next_slice(symbol.len());
            Ok(Kind::Symbol(symbol))
        }
        None => Err(winnow::error::ParserError::from_input(input)),
    }
}
