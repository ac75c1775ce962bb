//! What is bound to placeholders and read from columns, in PostgreSQL's binary format.

use std::{error, fmt};

use bytes::{BufMut, BytesMut};
use den_backend::{Error, ErrorKind, RawDocument, Result, value::float_text};
use den_sql::Param;
use tokio_postgres::{
    Row,
    types::{FromSql, IsNull, ToSql, Type, to_sql_checked},
};

use crate::numeric::Numeric;

type Encoded = std::result::Result<IsNull, Box<dyn error::Error + Sync + Send>>;

/// The version byte in front of binary `jsonb`.
const JSONB_VERSION: u8 = 1;

/// One bound value. Owned, so that a call can outlive the future that made it.
pub(crate) enum Bound {
    Bool(bool),
    BigInt(i64),
    Double(f64),
    /// Decimal text, sent as `numeric`.
    Numeric(String),
    Text(String),
    NullableText(Option<String>),
    /// JSON text, sent as `jsonb`.
    Json(Vec<u8>),
    TextArray(Vec<String>),
    NullableTextArray(Vec<Option<String>>),
    NumericArray(Vec<String>),
    JsonArray(Vec<Vec<u8>>),
}

impl Bound {
    /// The type the placeholder has in the statement's text.
    pub(crate) const fn type_of(&self) -> Type {
        match self {
            Self::Bool(_) => Type::BOOL,
            Self::BigInt(_) => Type::INT8,
            Self::Double(_) => Type::FLOAT8,
            Self::Numeric(_) => Type::NUMERIC,
            Self::Text(_) | Self::NullableText(_) => Type::TEXT,
            Self::Json(_) => Type::JSONB,
            Self::TextArray(_) | Self::NullableTextArray(_) => Type::TEXT_ARRAY,
            Self::NumericArray(_) => Type::NUMERIC_ARRAY,
            Self::JsonArray(_) => Type::JSONB_ARRAY,
        }
    }
}

impl From<Param> for Bound {
    fn from(param: Param) -> Self {
        match param {
            Param::Bool(it) => Self::Bool(it),
            Param::Int(it) => Self::Numeric(it.to_string()),
            Param::Float(it) => Self::Numeric(float_text(it)),
            Param::Rows(it) => Self::BigInt(it),
            Param::Text(it) => Self::Text(it),
            Param::Json(it) => Self::Json(it.into_bytes()),
            Param::TextArray(it) => Self::TextArray(it),
            Param::NumericArray(it) => Self::NumericArray(it),
            Param::JsonArray(it) => {
                Self::JsonArray(it.into_iter().map(String::into_bytes).collect())
            }
        }
    }
}

impl fmt::Debug for Bound {
    /// Shows the type only: values are the application's data, and the driver logs parameters.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "<{}>", self.type_of())
    }
}

impl ToSql for Bound {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Encoded {
        match self {
            Self::Bool(it) => out.put_u8(u8::from(*it)),
            Self::BigInt(it) => out.put_i64(*it),
            Self::Double(it) => out.put_f64(*it),
            Self::Numeric(it) => Numeric::parse(it)?.write(out),
            Self::Text(it) => out.put_slice(it.as_bytes()),
            Self::NullableText(None) => return Ok(IsNull::Yes),
            Self::NullableText(Some(it)) => out.put_slice(it.as_bytes()),
            Self::Json(it) => put_json(out, it),
            Self::TextArray(items) => put_array(out, &Type::TEXT, items, |out, it| {
                out.put_slice(it.as_bytes());
                Ok(IsNull::No)
            })?,
            Self::NullableTextArray(items) => put_array(out, &Type::TEXT, items, |out, it| {
                let Some(text) = it else {
                    return Ok(IsNull::Yes);
                };
                out.put_slice(text.as_bytes());
                Ok(IsNull::No)
            })?,
            Self::NumericArray(items) => put_array(out, &Type::NUMERIC, items, |out, it| {
                Numeric::parse(it)?.write(out);
                Ok(IsNull::No)
            })?,
            Self::JsonArray(items) => put_array(out, &Type::JSONB, items, |out, it| {
                put_json(out, it);
                Ok(IsNull::No)
            })?,
        }
        Ok(IsNull::No)
    }

    fn accepts(ty: &Type) -> bool {
        [
            Type::BOOL,
            Type::INT8,
            Type::FLOAT8,
            Type::NUMERIC,
            Type::TEXT,
            Type::JSONB,
            Type::TEXT_ARRAY,
            Type::NUMERIC_ARRAY,
            Type::JSONB_ARRAY,
        ]
        .contains(ty)
    }

    to_sql_checked!();
}

fn put_json(out: &mut BytesMut, text: &[u8]) {
    out.reserve(text.len() + 1);
    out.put_u8(JSONB_VERSION);
    out.put_slice(text);
}

/// Appends an array of one dimension, counted from 1.
fn put_array<T>(
    out: &mut BytesMut,
    element: &Type,
    items: &[T],
    write: impl Fn(&mut BytesMut, &T) -> Encoded,
) -> std::result::Result<(), Box<dyn error::Error + Sync + Send>> {
    const NULL: i32 = -1;
    out.put_i32(i32::from(!items.is_empty()));
    // "May hold nulls"; the server looks at the elements all the same.
    out.put_i32(1);
    out.put_u32(element.oid());
    if items.is_empty() {
        return Ok(());
    }
    out.put_i32(i32::try_from(items.len())?);
    out.put_i32(1);
    for item in items {
        let at = out.len();
        out.put_i32(NULL);
        if let IsNull::No = write(out, item)? {
            let length = i32::try_from(out.len() - at - 4)?;
            out[at..at + 4].copy_from_slice(&length.to_be_bytes());
        }
    }
    Ok(())
}

/// JSON text out of a `jsonb` column, copied once.
pub(crate) struct JsonText(pub(crate) Vec<u8>);

impl<'a> FromSql<'a> for JsonText {
    fn from_sql(
        ty: &Type,
        raw: &'a [u8],
    ) -> std::result::Result<Self, Box<dyn error::Error + Sync + Send>> {
        if *ty != Type::JSONB {
            return Ok(Self(raw.to_vec()));
        }
        match raw.split_first() {
            Some((&JSONB_VERSION, text)) => Ok(Self(text.to_vec())),
            Some(_) | None => Err("a jsonb value of an unknown version".into()),
        }
    }

    fn accepts(ty: &Type) -> bool {
        [Type::JSONB, Type::JSON, Type::TEXT].contains(ty)
    }
}

/// Reads the columns `id` and `body`.
pub(crate) fn document(row: &Row) -> Result<RawDocument> {
    let id: String = column(row, 0)?;
    let body: Option<JsonText> = if row.len() > 1 { column(row, 1)? } else { None };
    Ok(RawDocument {
        id,
        body: body.map(|it| it.0).unwrap_or_default(),
    })
}

/// Reads a column.
///
/// # Errors
///
/// `Corrupt` if it holds another type than den's statement asked for.
pub(crate) fn column<'a, T: FromSql<'a>>(row: &'a Row, at: usize) -> Result<T> {
    row.try_get(at).map_err(|error| {
        Error::new(
            ErrorKind::Corrupt,
            "a column of the answer has an unexpected type",
        )
        .with_source(error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encoded(bound: &Bound) -> Vec<u8> {
        let mut out = BytesMut::new();
        bound.to_sql(&bound.type_of(), &mut out).unwrap();
        out.to_vec()
    }

    #[test]
    fn json_has_its_version_in_front() {
        assert_eq!(encoded(&Bound::Json(b"{}".to_vec())), b"\x01{}");
    }

    #[test]
    fn arrays_hold_nulls() {
        let bytes = encoded(&Bound::NullableTextArray(vec![Some("a".into()), None]));
        assert_eq!(&bytes[..4], [0, 0, 0, 1]);
        assert_eq!(&bytes[20..], [0, 0, 0, 1, b'a', 255, 255, 255, 255]);
        assert_eq!(encoded(&Bound::TextArray(Vec::new())).len(), 12);
    }

    #[test]
    fn values_are_not_shown() {
        let shown = format!("{:?}", Bound::Text("secret".into()));
        assert_eq!(shown, "<text>");
    }
}
