//! What the types declare of their links, said once more for the model.

use den::{Json, OnDelete};
use serde_json::json;

/// A type of documents.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) enum Kind {
    Plain,
    Soft,
    Hooked,
    Full,
}

/// A field that links.
#[derive(Debug)]
pub(super) struct Slot {
    /// The keys that lead to it, `*` for each element of a list.
    pub(super) path: &'static [&'static str],
    pub(super) target: Kind,
    pub(super) rule: OnDelete,
    pub(super) owned: bool,
    /// Whether a link can be taken out of it.
    pub(super) can_lose: bool,
}

const fn slot(path: &'static [&'static str], target: Kind, rule: OnDelete) -> Slot {
    Slot {
        path,
        target,
        rule,
        owned: false,
        can_lose: true,
    }
}

impl Slot {
    const fn required(self) -> Self {
        Self {
            can_lose: false,
            ..self
        }
    }

    const fn owned(self) -> Self {
        Self {
            owned: true,
            ..self
        }
    }

    /// Whether it holds several links.
    pub(super) fn is_list(&self) -> bool {
        self.path.contains(&"*")
    }
}

use Kind::{Full, Hooked, Plain, Soft};
use OnDelete::{Cascade, Ignore, Restrict, SetNull};

const PLAIN: &[Slot] = &[
    slot(&["must"], Soft, Cascade).required(),
    slot(&["maybe"], Hooked, SetNull),
    slot(&["many", "*"], Full, Restrict),
    slot(&["me"], Plain, Ignore),
    slot(&["parts", "*", "to"], Plain, Cascade).required(),
    slot(&["parts", "*", "other"], Soft, SetNull),
];

const SOFT: &[Slot] = &[
    slot(&["up"], Soft, Cascade),
    slot(&["list", "*"], Plain, SetNull),
    slot(&["owns"], Hooked, Ignore).owned(),
    slot(&["req"], Full, Restrict).required(),
    slot(&["parts", "*", "to"], Hooked, Restrict),
];

const HOOKED: &[Slot] = &[
    slot(&["me"], Hooked, SetNull),
    slot(&["many", "*"], Soft, Cascade),
    slot(&["owns", "*"], Plain, Ignore).owned(),
    slot(&["free"], Full, Ignore).required(),
    slot(&["parts", "*", "to"], Full, SetNull),
    slot(&["parts", "*", "more", "*"], Hooked, Cascade),
];

const FULL: &[Slot] = &[
    slot(&["next"], Full, Restrict),
    slot(&["must"], Plain, Cascade).required(),
    slot(&["maybe"], Soft, SetNull),
    slot(&["twin"], Hooked, SetNull).owned(),
    slot(&["parts", "*", "owns"], Soft, Cascade).owned(),
];

impl Kind {
    pub(super) const ALL: [Self; 4] = [Plain, Soft, Hooked, Full];

    pub(super) fn collection(self) -> &'static str {
        match self {
            Plain => "plains",
            Soft => "softs",
            Hooked => "hookeds",
            Full => "fulls",
        }
    }

    pub(super) fn slots(self) -> &'static [Slot] {
        match self {
            Plain => PLAIN,
            Soft => SOFT,
            Hooked => HOOKED,
            Full => FULL,
        }
    }

    /// Whether documents are marked as deleted.
    pub(super) fn marks(self) -> bool {
        matches!(self, Soft | Full)
    }

    pub(super) fn has_hooks(self) -> bool {
        matches!(self, Hooked | Full)
    }

    pub(super) fn has_revision(self) -> bool {
        matches!(self, Hooked | Full)
    }

    /// Whether no two live documents have one name.
    pub(super) fn has_unique_name(self) -> bool {
        self.marks()
    }

    /// The id of one of its documents.
    pub(super) fn id(self, number: u64) -> String {
        let letter = &self.collection()[..1];
        format!("{letter}{number}")
    }

    /// A document that links to nothing.
    pub(super) fn blank(self, id: &str) -> Json {
        match self {
            Plain => json!({"_id": id, "name": null, "must": null, "maybe": null, "many": [],
                "me": null, "parts": []}),
            Soft => json!({"_id": id, "name": null, "up": null, "list": [], "owns": null,
                "req": null, "parts": []}),
            Hooked => json!({"_id": id, "name": null, "me": null, "many": [], "owns": [],
                "free": null, "parts": []}),
            Full => json!({"_id": id, "name": null, "next": null, "must": null, "maybe": null,
                "twin": null, "parts": []}),
        }
    }

    /// A part that links to nothing.
    pub(super) fn blank_part(self) -> Json {
        match self {
            Plain => json!({"to": null, "other": null}),
            Soft => json!({"to": null}),
            Hooked => json!({"to": null, "more": []}),
            Full => json!({"owns": null}),
        }
    }
}

/// The ids at this path.
pub(super) fn ids_at(value: &Json, path: &[&str]) -> Vec<String> {
    match path {
        [] => value.as_str().map(str::to_owned).into_iter().collect(),
        ["*", rest @ ..] => {
            let elements = value.as_array().into_iter().flatten();
            elements.flat_map(|it| ids_at(it, rest)).collect()
        }
        [key, rest @ ..] => value.get(key).map_or_else(Vec::new, |it| ids_at(it, rest)),
    }
}

/// Takes the links to this id out of this path.
pub(super) fn take_out(value: &mut Json, path: &[&str], id: &str) {
    match path {
        [] => {
            if value.as_str() == Some(id) {
                *value = Json::Null;
            }
        }
        ["*"] => {
            if let Some(elements) = value.as_array_mut() {
                elements.retain(|it| it.as_str() != Some(id));
            }
        }
        ["*", rest @ ..] => {
            for it in value.as_array_mut().into_iter().flatten() {
                take_out(it, rest, id);
            }
        }
        [key, rest @ ..] => {
            if let Some(it) = value.get_mut(key) {
                take_out(it, rest, id);
            }
        }
    }
}
