//! From the errors of `validator` to violations.

use std::cell::OnceCell;

use den_backend::Violation;
use serde::Serialize;
use validator::{ValidationErrors, ValidationErrorsKind};

use super::{
    keys::Keys,
    messages,
    names::{FieldName, Named},
};

/// The entry of rules about a struct as a whole.
const WHOLE: &str = "__all__";

/// The entry under which a list in a list reports its elements.
const ELEMENTS: &str = "_tmp_validator";

/// All broken rules, in the order in which the fields are declared.
pub(super) fn violations<T: Named + Serialize>(
    value: &T,
    errors: ValidationErrors,
) -> Vec<Violation> {
    let keys = OnceCell::new();
    let mut report = Report {
        keys: &|path, at| {
            let keys = keys.get_or_init(|| Keys::of(value));
            keys.key(path, at).map(str::to_owned)
        },
        path: Vec::new(),
        violations: Vec::new(),
    };
    report.group(errors, T::FIELD_NAMES);
    report.violations
}

struct Report<'a> {
    /// Looks up the key of an entry of a map.
    keys: &'a dyn Fn(&[String], usize) -> Option<String>,
    /// Where the walk is.
    path: Vec<String>,
    violations: Vec<Violation>,
}

impl Report<'_> {
    /// The errors of one struct.
    fn group(&mut self, errors: ValidationErrors, fields: &'static [FieldName]) {
        let mut entries: Vec<_> = errors
            .into_errors()
            .into_iter()
            .map(|(name, kind)| {
                let name = name.strip_prefix("r#").unwrap_or(&name).to_owned();
                let at = fields.iter().position(|it| it.name == name);
                (name == WHOLE, at.unwrap_or(fields.len()), name, kind)
            })
            .collect();
        entries.sort_by(|a, b| (a.0, a.1, &a.2).cmp(&(b.0, b.1, &b.2)));
        for (is_whole, at, name, kind) in entries {
            if is_whole {
                self.kind(kind, fields);
                continue;
            }
            match fields.get(at) {
                Some(field) => self.step(field.key, kind, (field.inside)()),
                None if name == ELEMENTS => self.kind(kind, fields),
                None => self.step(Some(&name), kind, &[]),
            }
        }
    }

    /// The errors one step further in.
    fn step(
        &mut self,
        segment: Option<&str>,
        kind: ValidationErrorsKind,
        fields: &'static [FieldName],
    ) {
        self.path.extend(segment.map(str::to_owned));
        self.kind(kind, fields);
        if segment.is_some() {
            self.path.pop();
        }
    }

    fn kind(&mut self, kind: ValidationErrorsKind, fields: &'static [FieldName]) {
        match kind {
            ValidationErrorsKind::Field(errors) => {
                let path = self.path.join(".");
                self.violations.extend(errors.iter().map(|it| {
                    Violation::new(path.as_str(), it.code.as_ref(), messages::message(it))
                }));
            }
            ValidationErrorsKind::Struct(errors) => self.group(*errors, fields),
            ValidationErrorsKind::List(elements) => {
                for (at, errors) in elements {
                    let segment = (self.keys)(&self.path, at).unwrap_or_else(|| at.to_string());
                    self.path.push(segment);
                    self.group(*errors, fields);
                    self.path.pop();
                }
            }
        }
    }
}
