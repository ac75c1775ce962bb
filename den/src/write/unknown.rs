//! What is stored in a document and its type says nothing of.

use std::collections::BTreeMap;

use den_backend::{RawDocument, Result, Value};

use crate::{
    Document,
    document::decode_body,
    encode,
    write::draft::{Write, encoded},
};

/// The keys of a stored document that its type leaves out.
pub(super) struct Unknown(Option<Value>);

impl Unknown {
    /// What a document that was read from these bytes leaves out of them.
    pub(super) fn of<D: Document>(document: &D, stored: &RawDocument) -> Result<Self> {
        let whole: Value = encode::decode(D::COLLECTION, &stored.id, &stored.body)?;
        let known: Value = encode::decode(D::COLLECTION, &stored.id, &encoded(document)?)?;
        Ok(Self(without(whole, &known)))
    }

    /// Has a document that is about to be written keep them.
    pub(super) fn put_back<D: Document>(self, write: &mut Write) -> Result<()> {
        let Some(unknown) = self.0 else {
            return Ok(());
        };
        let mut whole: Value = encode::decode(D::COLLECTION, &write.id, &write.body)?;
        add(&mut whole, unknown);
        let body = encode::document(&whole)
            .map_err(|it| it.with_collection(D::COLLECTION).with_id(write.id.as_str()))?;
        // Two names of one field do not read together.
        if decode_body::<D>(&write.id, &body).is_ok() {
            write.body = body;
        }
        Ok(())
    }
}

/// What is in an object and in the objects below, and not in the other.
fn without(whole: Value, known: &Value) -> Option<Value> {
    let (Value::Object(whole), Value::Object(known)) = (whole, known) else {
        return None;
    };
    let unknown = whole.into_iter().filter_map(|(key, value)| {
        let value = match known.get(&key) {
            // Where null is left out, that it was there says nothing.
            None if value.is_null() => return None,
            None => value,
            Some(known) => without(value, known)?,
        };
        Some((key, value))
    });
    let unknown: BTreeMap<String, Value> = unknown.collect();
    match unknown.is_empty() {
        true => None,
        false => Some(Value::Object(unknown)),
    }
}

/// Adds to an object, and to the objects below, what is not there.
fn add(whole: &mut Value, unknown: Value) {
    let (Value::Object(whole), Value::Object(unknown)) = (whole, unknown) else {
        return;
    };
    for (key, value) in unknown {
        match whole.get_mut(&key) {
            Some(there) => add(there, value),
            None => {
                whole.insert(key, value);
            }
        }
    }
}
