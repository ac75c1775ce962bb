//! Rows of any statement, as JSON objects.

use std::{collections::HashSet, error};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use den_backend::{Error, ErrorKind, Result, Value, value::float_text};
use tokio_postgres::{
    Column, Row,
    types::{FromSql, Kind, Type},
};

use super::time::{date, moment, time_of_day};

/// The columns of an answer: the names as JSON, and the types.
#[derive(Debug)]
pub(super) struct Columns(Vec<(String, Type)>);

/// A value that is not as its type says.
struct Malformed;

type Pushed = std::result::Result<(), Malformed>;

impl Columns {
    /// Looks at columns.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for two of one name, and for a type that does not become JSON.
    pub(super) fn of(columns: &[Column]) -> Result<Self> {
        let mut seen = HashSet::new();
        let mut all = Vec::with_capacity(columns.len());
        for column in columns {
            let (name, ty) = (column.name(), column.type_());
            if !seen.insert(name) {
                return Err(invalid(format!(
                    "two columns are called `{name}`; name one of them with `AS`"
                )));
            }
            if !becomes_json(ty) {
                return Err(invalid(format!(
                    "the column `{name}` is of type `{ty}`, which does not become JSON; cast it, \
                     for instance with `::text`"
                )));
            }
            all.push((json_text(name), ty.clone()));
        }
        Ok(Self(all))
    }

    /// One row.
    pub(super) fn row(&self, row: &Row) -> Result<Vec<u8>> {
        let mut json = Vec::with_capacity(64);
        json.push(b'{');
        for (at, (name, ty)) in self.0.iter().enumerate() {
            if at > 0 {
                json.push(b',');
            }
            json.extend_from_slice(name.as_bytes());
            json.push(b':');
            let value: Option<Bytes<'_>> = row.try_get(at).map_err(|error| {
                Error::new(ErrorKind::Corrupt, "a column of the answer cannot be read")
                    .with_source(error)
            })?;
            push(&mut json, ty, value.map(|it| it.0)).map_err(|Malformed| {
                Error::new(
                    ErrorKind::Corrupt,
                    format!("a value of type `{ty}` is not as the server usually sends it"),
                )
            })?;
        }
        json.push(b'}');
        Ok(json)
    }
}

/// The bytes of a column, whatever its type.
struct Bytes<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Bytes<'a> {
    fn from_sql(
        _: &Type,
        raw: &'a [u8],
    ) -> std::result::Result<Self, Box<dyn error::Error + Sync + Send>> {
        Ok(Self(raw))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

const TEXTS: [Type; 7] = [
    Type::TEXT,
    Type::VARCHAR,
    Type::BPCHAR,
    Type::NAME,
    Type::CHAR,
    Type::UNKNOWN,
    Type::XML,
];

const OTHERS: [Type; 16] = [
    Type::BOOL,
    Type::INT2,
    Type::INT4,
    Type::INT8,
    Type::OID,
    Type::FLOAT4,
    Type::FLOAT8,
    Type::NUMERIC,
    Type::JSON,
    Type::JSONB,
    Type::UUID,
    Type::TIMESTAMPTZ,
    Type::TIMESTAMP,
    Type::DATE,
    Type::TIME,
    Type::BYTEA,
];

fn becomes_json(ty: &Type) -> bool {
    if let Kind::Array(element) | Kind::Domain(element) = ty.kind() {
        return becomes_json(element);
    }
    // What a function without result answers.
    *ty == Type::VOID || is_text(ty) || OTHERS.contains(ty)
}

fn is_text(ty: &Type) -> bool {
    // A type of an extension, which has no number of its own.
    TEXTS.contains(ty) || matches!(ty.kind(), Kind::Enum(_)) || ty.name() == "citext"
}

fn push(json: &mut Vec<u8>, ty: &Type, value: Option<&[u8]>) -> Pushed {
    let Some(value) = value else {
        json.extend_from_slice(b"null");
        return Ok(());
    };
    if let Kind::Array(element) = ty.kind() {
        return push_array(json, element, value);
    }
    if let Kind::Domain(inner) = ty.kind() {
        return push(json, inner, Some(value));
    }
    if is_text(ty) {
        let text = std::str::from_utf8(value).map_err(|_| Malformed)?;
        json.extend_from_slice(json_text(text).as_bytes());
        return Ok(());
    }
    let text = match *ty {
        Type::BOOL => match value {
            [0] => "false".to_owned(),
            [_] => "true".to_owned(),
            _ => return Err(Malformed),
        },
        Type::INT2 => i16::from_be_bytes(exact(value)?).to_string(),
        Type::INT4 => i32::from_be_bytes(exact(value)?).to_string(),
        Type::INT8 => i64::from_be_bytes(exact(value)?).to_string(),
        Type::OID => u32::from_be_bytes(exact(value)?).to_string(),
        Type::FLOAT4 => {
            let it = f32::from_be_bytes(exact(value)?);
            // In as few digits as a number of that size has.
            let shortest = format!("{it:?}");
            number(f64::from(it), shortest)
        }
        Type::FLOAT8 => {
            let it = f64::from_be_bytes(exact(value)?);
            number(it, float_text(it))
        }
        Type::NUMERIC => numeric(value)?,
        Type::JSON => std::str::from_utf8(value)
            .map_err(|_| Malformed)?
            .to_owned(),
        Type::JSONB => {
            let Some((1, text)) = value.split_first() else {
                return Err(Malformed);
            };
            std::str::from_utf8(text).map_err(|_| Malformed)?.to_owned()
        }
        Type::UUID => json_text(&uuid(exact(value)?)),
        Type::TIMESTAMPTZ => json_text(&moment(i64::from_be_bytes(exact(value)?), "Z")),
        Type::TIMESTAMP => json_text(&moment(i64::from_be_bytes(exact(value)?), "")),
        Type::DATE => json_text(&date(i32::from_be_bytes(exact(value)?))),
        Type::TIME => json_text(&time_of_day(i64::from_be_bytes(exact(value)?))),
        Type::BYTEA => json_text(&BASE64.encode(value)),
        Type::VOID => "null".to_owned(),
        _ => return Err(Malformed),
    };
    json.extend_from_slice(text.as_bytes());
    Ok(())
}

/// An array of any number of dimensions: counts, then the elements in a row.
fn push_array(json: &mut Vec<u8>, element: &Type, value: &[u8]) -> Pushed {
    let mut rest = value;
    let dimensions = take_int(&mut rest)?;
    let (_has_nulls, _type) = (take_int(&mut rest)?, take_int(&mut rest)?);
    let mut lengths = Vec::new();
    for _ in 0..dimensions {
        let length = usize::try_from(take_int(&mut rest)?).map_err(|_| Malformed)?;
        let _first_index = take_int(&mut rest)?;
        lengths.push(length);
    }
    if lengths.is_empty() {
        json.extend_from_slice(b"[]");
        return Ok(());
    }
    push_dimension(json, element, &lengths, &mut rest)
}

fn push_dimension(
    json: &mut Vec<u8>,
    element: &Type,
    lengths: &[usize],
    rest: &mut &[u8],
) -> Pushed {
    let Some((length, inner)) = lengths.split_first() else {
        let value = match take_int(rest)? {
            -1 => None,
            length => {
                let length = usize::try_from(length).map_err(|_| Malformed)?;
                Some(take(rest, length)?)
            }
        };
        return push(json, element, value);
    };
    json.push(b'[');
    for at in 0..*length {
        if at > 0 {
            json.push(b',');
        }
        push_dimension(json, element, inner, rest)?;
    }
    json.push(b']');
    Ok(())
}

/// A decimal number: signs, then digits to the base of ten thousand.
fn numeric(value: &[u8]) -> std::result::Result<String, Malformed> {
    let mut rest = value;
    let mut short = || take(&mut rest, 2).and_then(|it| exact(it).map(u16::from_be_bytes));
    let (count, weight, sign, scale) = (short()?, short()?, short()?, short()?);
    let negative = match sign {
        0x0000 => false,
        0x4000 => true,
        0xc000 => return Ok("\"NaN\"".to_owned()),
        0xd000 => return Ok("\"Infinity\"".to_owned()),
        0xf000 => return Ok("\"-Infinity\"".to_owned()),
        _ => return Err(Malformed),
    };
    let digits: Vec<u16> = (0..count)
        .map(|_| short())
        .collect::<std::result::Result<_, _>>()?;
    let weight = i32::from(weight.cast_signed());
    let digit = |at: i32| {
        let found = usize::try_from(at).ok().and_then(|at| digits.get(at));
        found.copied().unwrap_or(0)
    };
    let mut text = String::from(if negative { "-" } else { "" });
    if weight < 0 {
        text.push('0');
    }
    for at in 0..=weight {
        match at {
            0 => text.push_str(&digit(at).to_string()),
            _ => text.push_str(&format!("{:04}", digit(at))),
        }
    }
    if scale > 0 {
        text.push('.');
        let mut fraction = String::new();
        let mut at = weight + 1;
        while fraction.len() < usize::from(scale) {
            fraction.push_str(&format!("{:04}", digit(at)));
            at += 1;
        }
        fraction.truncate(usize::from(scale));
        text.push_str(&fraction);
    }
    Ok(text)
}

fn uuid(bytes: [u8; 16]) -> String {
    let mut text = String::with_capacity(36);
    for (at, byte) in bytes.iter().enumerate() {
        if matches!(at, 4 | 6 | 8 | 10) {
            text.push('-');
        }
        text.push_str(&format!("{byte:02x}"));
    }
    text
}

/// JSON knows finite numbers only; the others are named as the server names them.
fn number(value: f64, text: String) -> String {
    if value.is_finite() {
        return text;
    }
    let name = match value {
        it if it.is_nan() => "\"NaN\"",
        it if it > 0.0 => "\"Infinity\"",
        _ => "\"-Infinity\"",
    };
    name.to_owned()
}

fn exact<const N: usize>(bytes: &[u8]) -> std::result::Result<[u8; N], Malformed> {
    bytes.try_into().map_err(|_| Malformed)
}

fn take<'a>(rest: &mut &'a [u8], length: usize) -> std::result::Result<&'a [u8], Malformed> {
    let (taken, after) = rest.split_at_checked(length).ok_or(Malformed)?;
    *rest = after;
    Ok(taken)
}

fn take_int(rest: &mut &[u8]) -> std::result::Result<i32, Malformed> {
    take(rest, 4).and_then(exact).map(i32::from_be_bytes)
}

fn json_text(text: &str) -> String {
    Value::from(text).to_string()
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidQuery, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(ty: &Type, value: &[u8]) -> String {
        let mut json = Vec::new();
        assert!(push(&mut json, ty, Some(value)).is_ok(), "{ty}");
        String::from_utf8(json).unwrap()
    }

    #[test]
    fn decimals_are_exact() {
        for (shorts, text) in [
            (&[0, 0, 0, 0][..], "0"),
            (&[0, 0, 0, 2], "0.00"),
            (&[1, 0, 0, 0, 42], "42"),
            (&[2, 1, 0x4000, 0, 1, 5], "-10005"),
            (&[1, 2, 0, 0, 7], "700000000"),
            (&[2, 0, 0, 3, 1, 2340], "1.234"),
            (&[1, 0xffff, 0, 2, 500], "0.05"),
            (&[1, 0xfffe, 0, 8, 12], "0.00000012"),
            (&[0, 0, 0xc000, 0], "\"NaN\""),
        ] {
            let bytes: Vec<u8> = shorts
                .iter()
                .flat_map(|it: &u16| it.to_be_bytes())
                .collect();
            assert_eq!(shown(&Type::NUMERIC, &bytes), text);
        }
    }

    #[test]
    fn what_is_malformed_is_an_error() {
        for (ty, value) in [
            (Type::INT4, &[0, 0][..]),
            (Type::NUMERIC, &[0, 1, 0, 0, 0, 0, 0, 0]),
            (Type::TEXT, &[0xff]),
            (Type::JSONB, &[2, b'1']),
            (
                Type::INT4_ARRAY,
                &[0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 23, 0, 0, 0, 9, 0, 0, 0, 1],
            ),
        ] {
            assert!(push(&mut Vec::new(), &ty, Some(value)).is_err(), "{ty}");
        }
    }
}
