//! Conditions: what is asked of a field.

use den::{Filter, Json, Pattern, Untyped};
use winnow::{
    Parser,
    combinator::{opt, separated},
};

use super::{
    fault::Fault,
    grammar::{
        Input, Parsed, Subject, advance, bracketed_field, current, expect, is_word, span, symbol,
        unexpected, word,
    },
    tokens::Kind,
};

const OPERATOR: &str = "expected an operator, such as `=`, `<`, `in`, `contains` or `is null`";

/// What a field is compared with.
enum Operand {
    Value(Json),
    Field(Untyped),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Compare {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

/// Whether ASCII letters of either case count as equal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Case {
    Matters,
    Ignored,
}

/// Reads the condition on `subject`.
pub(super) fn condition(input: &mut Input<'_>, subject: &Subject) -> Parsed<Filter<Json>> {
    if let Kind::Symbol(text) = current(input) {
        let operator = operator(input, text)?;
        return comparison(input, subject, operator);
    }
    let field = match subject {
        Subject::Field(field) => field,
        Subject::Length(_) => {
            return Err(unexpected(
                input,
                "expected `=`, `!=`, `<`, `<=`, `>` or `>=`",
            ));
        }
    };
    if opt(word("is")).parse_next(input)?.is_some() {
        return state(input, field);
    }
    let negated = opt(word("not")).parse_next(input)?.is_some();
    let filter = test(input, field)?;
    Ok(match negated {
        true => !filter,
        false => filter,
    })
}

/// `=`, `<` and so on.
fn operator(input: &mut Input<'_>, text: &str) -> Parsed<Compare> {
    let it = match text {
        "=" | "==" => Compare::Eq,
        "!=" => Compare::Ne,
        "<" => Compare::Lt,
        "<=" => Compare::Le,
        ">" => Compare::Gt,
        ">=" => Compare::Ge,
        other => {
            let help = match other {
                "<>" | "!==" => "write `!=`",
                "===" => "write `=`",
                "=~" | "~" | "~=" => "write `matches`, or `contains`",
                "!~" => "write `not matches`, or `not contains`",
                "(" => "there is `len(field)`, and `field(name)` behind an operator",
                _ => return Err(unexpected(input, OPERATOR)),
            };
            let fault = Fault::new(span(input), format!("`{other}` is no operator"));
            return Err(fault.with_help(help));
        }
    };
    advance(input);
    Ok(it)
}

fn comparison(input: &mut Input<'_>, subject: &Subject, operator: Compare) -> Parsed<Filter<Json>> {
    let at = span(input);
    match (subject, operand(input)?) {
        (Subject::Length(list), Operand::Value(value)) => {
            let Some(count) = value.as_i64().filter(|it| *it >= 0) else {
                return Err(Fault::new(
                    at,
                    "a number of elements is a whole number from 0",
                ));
            };
            Ok(length(list, operator, count))
        }
        (Subject::Length(_), Operand::Field(_)) => Err(Fault::new(
            at,
            "a number of elements is compared with a number",
        )),
        (Subject::Field(field), Operand::Value(Json::Null)) => match operator {
            Compare::Eq => Ok(field.is_null()),
            Compare::Ne => Ok(field.is_not_null()),
            Compare::Lt | Compare::Le | Compare::Gt | Compare::Ge => {
                Err(Fault::new(at, "nothing is smaller or greater than null"))
            }
        },
        (Subject::Field(field), Operand::Value(value)) => match operator {
            Compare::Eq | Compare::Ne => equality(input, field, operator, value),
            Compare::Lt | Compare::Le | Compare::Gt | Compare::Ge => {
                let ordered = value.is_number() || value.is_string() || value.is_boolean();
                if !ordered {
                    return Err(Fault::new(at, "lists and objects have no order"));
                }
                Ok(match operator {
                    Compare::Lt => field.lt(value),
                    Compare::Le => field.le(value),
                    Compare::Gt => field.gt(value),
                    Compare::Ge | Compare::Eq | Compare::Ne => field.ge(value),
                })
            }
        },
        (Subject::Field(field), Operand::Field(other)) => Ok(match operator {
            Compare::Eq => field.eq(other),
            Compare::Ne => field.ne(other),
            Compare::Lt => field.lt(other),
            Compare::Le => field.le(other),
            Compare::Gt => field.gt(other),
            Compare::Ge => field.ge(other),
        }),
    }
}

fn length(list: &Untyped, operator: Compare, count: i64) -> Filter<Json> {
    let length = list.len::<Json>();
    match operator {
        Compare::Eq => length.eq(count),
        Compare::Ne => length.ne(count),
        Compare::Lt => length.lt(count),
        Compare::Le => length.le(count),
        Compare::Gt => length.gt(count),
        Compare::Ge => length.ge(count),
    }
}

fn equality(
    input: &mut Input<'_>,
    field: &Untyped,
    operator: Compare,
    value: Json,
) -> Parsed<Filter<Json>> {
    let filter = match &value {
        Json::String(text) => match ignoring_case(input)? {
            Case::Ignored => field.eq_ci(text.as_str()),
            Case::Matters => field.eq(text),
        },
        Json::Null | Json::Bool(_) | Json::Number(_) | Json::Array(_) | Json::Object(_) => {
            field.eq(value)
        }
    };
    Ok(match operator {
        Compare::Ne => !filter,
        Compare::Eq | Compare::Lt | Compare::Le | Compare::Gt | Compare::Ge => filter,
    })
}

/// `is null` and the like; `is` was read.
fn state(input: &mut Input<'_>, field: &Untyped) -> Parsed<Filter<Json>> {
    let negated = opt(word("not")).parse_next(input)?.is_some();
    let kind = current(input);
    let filter = if is_word(kind, "null") {
        field.is_null()
    } else if is_word(kind, "missing") {
        field.is_missing()
    } else if is_word(kind, "empty") {
        field.is_empty()
    } else {
        let fault = unexpected(input, "expected `null`, `missing` or `empty`");
        return Err(fault.with_help("values are compared with `=`"));
    };
    advance(input);
    Ok(match negated {
        true => !filter,
        false => filter,
    })
}

/// The conditions that are words.
fn test(input: &mut Input<'_>, field: &Untyped) -> Parsed<Filter<Json>> {
    let Kind::Word(name) = current(input) else {
        return Err(unexpected(input, OPERATOR));
    };
    let name = name.to_ascii_lowercase();
    let unknown = unexpected(input, OPERATOR);
    advance(input);
    match name.as_str() {
        "exists" => Ok(field.exists()),
        "in" => one_of(input, field),
        "between" => between(input, field),
        "has" => Ok(field.contains(value(input)?)),
        "contains" => contains(input, field),
        "starts" | "ends" => {
            if opt(word("with")).parse_next(input)?.is_none() {
                return Err(unexpected(input, "expected `with`"));
            }
            let text = text(input)?;
            let case = ignoring_case(input)?;
            Ok(match (name.as_str(), case) {
                ("starts", Case::Matters) => field.starts_with(text),
                ("starts", Case::Ignored) => field.starts_with_ci(text),
                (_, Case::Matters) => field.ends_with(text),
                (_, Case::Ignored) => field.ends_with_ci(text),
            })
        }
        "matches" => matches(input, field),
        "like" | "ilike" | "glob" | "similar" => {
            Err(unknown.with_help("there is `starts with`, `ends with`, `contains` and `matches`"))
        }
        "eq" | "equals" => Err(unknown.with_help("write `=`")),
        "startswith" | "starts_with" => Err(unknown.with_help("write `starts with`")),
        "endswith" | "ends_with" => Err(unknown.with_help("write `ends with`")),
        _ => Err(unknown),
    }
}

fn one_of(input: &mut Input<'_>, field: &Untyped) -> Parsed<Filter<Json>> {
    let values: Vec<Json> = if let Kind::Json(Json::Array(values)) = current(input) {
        advance(input);
        values.clone()
    } else {
        expect(input, "(")?;
        if opt(symbol(")")).parse_next(input)?.is_some() {
            return Ok(Filter::never());
        }
        let values = separated(1.., value, symbol(",")).parse_next(input)?;
        if opt(symbol(")")).parse_next(input)?.is_none() {
            return Err(unexpected(input, "expected `,` or `)`"));
        }
        values
    };
    // Null equals nothing; whoever writes it here means documents without a value.
    let (nulls, values): (Vec<_>, Vec<_>) = values.into_iter().partition(Json::is_null);
    let filter = field.is_in(values);
    Ok(match nulls.is_empty() {
        true => filter,
        false => filter | field.is_null(),
    })
}

fn between(input: &mut Input<'_>, field: &Untyped) -> Parsed<Filter<Json>> {
    let low = bound(input)?;
    if opt(word("and")).parse_next(input)?.is_none() {
        return Err(unexpected(input, "expected `and`").with_help("between 10 and 20"));
    }
    Ok(field.between(low, bound(input)?))
}

fn bound(input: &mut Input<'_>) -> Parsed<Json> {
    let at = span(input);
    let value = value(input)?;
    match value.is_number() || value.is_string() || value.is_boolean() {
        true => Ok(value),
        false => Err(Fault::new(at, "expected a number or text")),
    }
}

/// Text in a list is an element of it, text in text a part of it.
fn contains(input: &mut Input<'_>, field: &Untyped) -> Parsed<Filter<Json>> {
    let value = value(input)?;
    let Json::String(text) = &value else {
        return Ok(field.contains(value));
    };
    let part = match ignoring_case(input)? {
        Case::Matters => field.contains_text(text.as_str()),
        Case::Ignored => return Ok(field.contains_text_ci(text.as_str())),
    };
    Ok(field.contains(value) | part)
}

fn matches(input: &mut Input<'_>, field: &Untyped) -> Parsed<Filter<Json>> {
    let at = span(input);
    let (Kind::Pattern(pattern) | Kind::Quoted(pattern)) = current(input) else {
        let fault = unexpected(input, "expected a regular expression");
        return Err(fault.with_help("matches /^A[0-9]+/, or matches \"^A\""));
    };
    if let Err(error) = Pattern::parse(pattern) {
        let mut fault = Fault::new(at, error.to_string());
        if let Some(why) = std::error::Error::source(&error) {
            // It draws a picture of its own; the last line says what is wrong.
            let why = why.to_string();
            let last = why.lines().last().unwrap_or_default();
            fault = fault.with_help(last.trim_start_matches("error: ").to_owned());
        }
        return Err(fault);
    }
    advance(input);
    Ok(field.matches(pattern))
}

/// `ignoring case`, if it is there.
fn ignoring_case(input: &mut Input<'_>) -> Parsed<Case> {
    if opt(word("ignoring")).parse_next(input)?.is_none() {
        return Ok(Case::Matters);
    }
    match opt(word("case")).parse_next(input)? {
        Some(()) => Ok(Case::Ignored),
        None => Err(unexpected(input, "expected `case`")),
    }
}

fn operand(input: &mut Input<'_>) -> Parsed<Operand> {
    let is_call = matches!(input.get(1), Some(it) if it.kind == Kind::Symbol("("));
    if is_call && opt(word("field")).parse_next(input)?.is_some() {
        return bracketed_field(input).map(Operand::Field);
    }
    value(input).map(Operand::Value)
}

fn text(input: &mut Input<'_>) -> Parsed<String> {
    let at = span(input);
    let Json::String(text) = value(input)? else {
        return Err(Fault::new(at, "expected text in quotes"));
    };
    Ok(text)
}

fn value(input: &mut Input<'_>) -> Parsed<Json> {
    let kind = current(input);
    let value = match kind {
        Kind::Json(value) => value.clone(),
        Kind::Quoted(text) => Json::String(text.clone()),
        Kind::Word(_) if is_word(kind, "true") => Json::Bool(true),
        Kind::Word(_) if is_word(kind, "false") => Json::Bool(false),
        Kind::Word(_) if is_word(kind, "null") => Json::Null,
        Kind::Word(name) => return Err(unquoted(input, name)),
        Kind::Path(segments) => return Err(unquoted(input, &segments.join("."))),
        Kind::Pattern(_) => {
            let fault = unexpected(input, "expected a value");
            return Err(fault.with_help("a regular expression stands behind `matches`"));
        }
        Kind::Symbol(_) | Kind::End => {
            return Err(unexpected(
                input,
                "expected a value: text in quotes, a number, `true`, `false` or `null`",
            ));
        }
    };
    if let Some(number) = out_of_range(&value) {
        let message = format!("the number {number} is too large for a document");
        return Err(Fault::new(span(input), message));
    }
    advance(input);
    Ok(value)
}

/// A number that no document holds.
fn out_of_range(value: &Json) -> Option<&serde_json::Number> {
    match value {
        Json::Number(it) => it.is_u64().then_some(it).filter(|it| it.as_i64().is_none()),
        Json::Array(items) => items.iter().find_map(out_of_range),
        Json::Object(map) => map.values().find_map(out_of_range),
        Json::Null | Json::Bool(_) | Json::String(_) => None,
    }
}

fn unquoted(input: &Input<'_>, name: &str) -> Fault {
    Fault::new(span(input), "expected a value").with_help(format!(
        "text stands in quotes: \"{name}\"; another field is written field({name})"
    ))
}
