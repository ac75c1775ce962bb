//! Indexes as text.

use den_backend::{FieldKind, FieldPath, Result};

use super::{IndexField, IndexOptions, invalid};
use crate::{Filter, Json, Untyped, field as field_at};

/// Reads `path[:kind][:direction]`.
pub(super) fn field(text: &str) -> Result<IndexField> {
    let mut parts = text.trim().split(':');
    let path = parts.next().unwrap_or_default();
    let mut field = IndexField::new(FieldPath::parse(path.trim())?);
    let (mut has_kind, mut has_direction) = (false, false);
    for part in parts {
        let part = part.trim().to_ascii_lowercase();
        let kind = match part.as_str() {
            "text" => Some(FieldKind::Text),
            "number" => Some(FieldKind::Number),
            "bool" => Some(FieldKind::Bool),
            _ => None,
        };
        match (kind, part.as_str()) {
            (Some(kind), _) if !has_kind && !has_direction => {
                has_kind = true;
                field = field.of_kind(kind);
            }
            (None, "asc") if !has_direction => has_direction = true,
            (None, "desc") if !has_direction => {
                has_direction = true;
                field = field.desc();
            }
            _ => {
                return Err(invalid(format!(
                    "`{}` is no field of an index; write `path`, `path:DESC` or `path:text:DESC`",
                    text.escape_debug()
                )));
            }
        }
    }
    Ok(field)
}

/// Reads `name:.. unique:true members:true where:..`.
pub(super) fn options(text: &str) -> Result<IndexOptions> {
    let mut options = IndexOptions::new();
    let mut rest = text.trim();
    let mut seen: Vec<&str> = Vec::new();
    while !rest.is_empty() {
        let Some((key, after)) = rest.split_once(':') else {
            return Err(no_option(rest));
        };
        if seen.contains(&key) {
            return Err(invalid(format!(
                "the option `{key}` of an index is given twice"
            )));
        }
        seen.push(key);
        if key == "where" {
            return Ok(options.filter(condition(after)?));
        }
        let end = after.find(char::is_whitespace).unwrap_or(after.len());
        let (value, after) = after.split_at(end);
        options = match (key, value) {
            ("name", "") => return Err(no_option(rest)),
            ("name", name) => options.name(name),
            ("unique", "true") => options.unique(),
            ("members", "true") => options.members(),
            ("unique" | "members", "false") => options,
            _ => return Err(no_option(rest)),
        };
        rest = after.trim_start();
    }
    Ok(options)
}

/// Reads `field IS [NOT] NULL` or `field = literal`.
fn condition(text: &str) -> Result<Filter<Json>> {
    let text = text.trim();
    let unreadable = || {
        invalid(format!(
            "`{}` is no condition of an index; write `field = 'text'`, `field IS NULL` or `field IS NOT \
             NULL`, or give a filter in code",
            text.escape_debug()
        ))
    };
    if let Some((path, literal)) = text.split_once('=') {
        let field = field_of(path)?;
        return match read_literal(literal.trim()) {
            Some(literal) => Ok(field.eq(literal)),
            None => Err(unreadable()),
        };
    }
    let words: Vec<&str> = text.split_whitespace().collect();
    let upper: Vec<String> = words.iter().map(|it| it.to_ascii_uppercase()).collect();
    let upper: Vec<&str> = upper.iter().map(String::as_str).collect();
    match (words.as_slice(), upper.as_slice()) {
        ([path, ..], [_, "IS", "NULL"]) => Ok(field_of(path)?.is_null()),
        ([path, ..], [_, "IS", "NOT", "NULL"]) => Ok(field_of(path)?.is_not_null()),
        _ => Err(unreadable()),
    }
}

fn field_of(path: &str) -> Result<Untyped> {
    FieldPath::parse(path.trim()).map(field_at)
}

/// Reads a literal; none if it is none.
fn read_literal(text: &str) -> Option<Json> {
    if let Some(inner) = text.strip_prefix('\'') {
        let inner = inner.strip_suffix('\'')?;
        // A quote within a text is written twice.
        let without_pairs = inner.replace("''", "");
        return (!without_pairs.contains('\'')).then(|| inner.replace("''", "'").into());
    }
    let value: Json = serde_json::from_str(text).ok()?;
    (value.is_number() || value.is_boolean()).then_some(value)
}

fn no_option(text: &str) -> den_backend::Error {
    invalid(format!(
        "`{}` is no option of an index; there are `name:..`, `unique:true`, `members:true` and, at last, \
         `where:..`",
        text.escape_debug()
    ))
}
