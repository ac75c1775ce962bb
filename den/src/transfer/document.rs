//! A document on its way into a database.

use std::{borrow::Cow, sync::Arc};

use den_backend::RawDocument;

use crate::{
    Db, Id,
    id::is_storable,
    transfer::{
        items::Raw,
        node::{Keys, Node, Nul, Rules},
        number::Numbers,
    },
};

/// A document that can be put.
#[derive(Debug)]
pub(super) struct Item {
    pub(super) collection: Arc<str>,
    /// Where it was read; 0 for a document from a database.
    pub(super) line: u64,
    pub(super) id: String,
    pub(super) body: String,
}

/// An item that cannot be stored.
#[derive(Debug, Clone)]
pub(super) struct Bad {
    pub(super) line: u64,
    pub(super) text: String,
    pub(super) why: String,
}

/// How what is read becomes a document.
#[derive(Debug, Clone)]
pub(super) struct Reading {
    pub(super) db: Db,
    pub(super) numbers: Numbers,
    /// The key whose value becomes the id of a document that has none.
    pub(super) id_from: Option<String>,
}

impl Reading {
    /// The document in an item.
    ///
    /// # Behavior
    ///
    /// - One with an `_id` is stored as it is. One without is new: it gets an id, and times where it has
    ///   none.
    pub(super) fn read(&self, raw: Raw) -> Result<Item, Bad> {
        let line = raw.line;
        let text = match raw.text {
            Ok(text) => text,
            Err(it) => {
                let (text, why) = (it.text, it.why);
                return Err(Bad { line, text, why });
            }
        };
        match self.document(&text) {
            Ok((id, body)) => Ok(Item {
                collection: raw.collection,
                line,
                id,
                body,
            }),
            Err(why) => Err(Bad {
                line,
                text: text.trim().to_owned(),
                why,
            }),
        }
    }

    fn document(&self, text: &str) -> Result<(String, String), String> {
        let rules = Rules {
            numbers: self.numbers,
            nul: Nul::Refused,
        };
        let mut node = Node::parse(text, rules).map_err(|it| it.to_string())?;
        let given = match node.get("_id") {
            None | Some(Node::Null) => None,
            Some(Node::Text(id)) => Some(id.clone().into_owned()),
            Some(_) => return Err("the `_id` is not text".to_owned()),
        };
        let is_new = given.is_none();
        let id = match (given, &self.id_from) {
            (Some(id), _) => id,
            (None, Some(key)) => id_of(&node, key)?,
            (None, None) => Id::<()>::generate().into_string(),
        };
        if id.is_empty() || !is_storable(&id) {
            return Err("the id is empty, or has a control character".to_owned());
        }
        let Node::Object(entries) = &mut node else {
            return Err("a document is a JSON object".to_owned());
        };
        if is_new {
            entries.retain(|it| it.0 != "_id");
            let text = |it: String| Node::Text(Cow::Owned(it));
            entries.insert(0, (Cow::Borrowed("_id"), text(id.clone())));
            let now = self.db.now().to_string();
            for key in ["_created_at", "_updated_at"] {
                if !entries.iter().any(|it| it.0 == key) {
                    entries.push((Cow::Borrowed(key), text(now.clone())));
                }
            }
        }
        let mut body = String::with_capacity(text.len());
        node.write(&mut body, Keys::AsGiven);
        Ok((id, body))
    }
}

/// The id in a field of the document.
fn id_of(node: &Node<'_>, key: &str) -> Result<String, String> {
    match node.get(key) {
        Some(Node::Text(it)) => Ok(it.clone().into_owned()),
        Some(Node::Number(it)) if it.parse::<i64>().is_ok() => Ok(it.clone().into_owned()),
        Some(_) => Err(format!(
            "`{key}` is neither text nor an integer, so it cannot be the id"
        )),
        None => Err(format!("there is no `{key}` to be the id")),
    }
}

/// A stored document for another database, and the text that all equal documents share.
pub(super) fn carried(
    collection: &Arc<str>,
    raw: &RawDocument,
) -> Result<(Item, String), den_backend::Error> {
    let text = stored_text(collection, raw)?;
    let node = Node::parse(text, Rules::CARRIED);
    let node = node.map_err(|why| unreadable(collection, &raw.id, &why.to_string()))?;
    let mut body = String::with_capacity(text.len());
    node.write(&mut body, Keys::AsGiven);
    let item = Item {
        collection: Arc::clone(collection),
        line: 0,
        id: raw.id.clone(),
        body,
    };
    Ok((item, node.canonical()))
}

/// The text that all documents share that equal this stored one.
pub(super) fn canonical(collection: &str, raw: &RawDocument) -> Result<String, den_backend::Error> {
    let node = stored(collection, raw)?;
    Ok(node.canonical())
}

/// A stored document, to be looked into.
pub(super) fn stored<'a>(
    collection: &str,
    raw: &'a RawDocument,
) -> Result<Node<'a>, den_backend::Error> {
    let text = stored_text(collection, raw)?;
    Node::parse(text, Rules::STORED)
        .map_err(|why| unreadable(collection, &raw.id, &why.to_string()))
}

fn stored_text<'a>(collection: &str, raw: &'a RawDocument) -> Result<&'a str, den_backend::Error> {
    str::from_utf8(&raw.body).map_err(|_| unreadable(collection, &raw.id, "it is not UTF-8"))
}

fn unreadable(collection: &str, id: &str, why: &str) -> den_backend::Error {
    let message = format!("the stored document cannot be carried: {why}");
    den_backend::Error::new(den_backend::ErrorKind::Corrupt, message)
        .with_collection(collection)
        .with_id(id)
}
