//! What to say of a broken rule that has no message of its own.

use serde_json::Value;
use validator::ValidationError;

/// The message of the rule, or one made of its code and the bounds declared with it. The offending
/// value, which `validator` adds to the bounds, is never shown.
pub(super) fn message(error: &ValidationError) -> String {
    if let Some(message) = &error.message {
        return message.clone().into_owned();
    }
    let known = match error.code.as_ref() {
        "length" => length(error),
        "range" => range(error),
        "email" => fixed("must be an email address"),
        "url" => fixed("must be a URL"),
        "ip" => fixed("must be an IP address"),
        "credit_card" => fixed("must be a credit card number"),
        "required" => fixed("is required"),
        "contains" => bound(error, "needle").map(|it| format!("must contain {it:?}")),
        "does_not_contain" => bound(error, "needle").map(|it| format!("must not contain {it:?}")),
        "must_match" => fixed("must be the same as another field"),
        "regex" => fixed("does not have the required form"),
        "non_control_character" => fixed("must not hold control characters"),
        _ => None,
    };
    known.unwrap_or_else(|| format!("breaks the rule {:?}", error.code))
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "an arm among others that may have no answer"
)]
fn fixed(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn length(error: &ValidationError) -> Option<String> {
    let (one, many) = match error.params.get("value") {
        Some(Value::String(_)) => ("character", "characters"),
        Some(Value::Object(_)) => ("entry", "entries"),
        _ => ("element", "elements"),
    };
    let count = |it: &str| {
        let noun = if it == "1" { one } else { many };
        format!("{it} {noun}")
    };
    if let Some(equal) = bound(error, "equal") {
        return Some(format!("must have exactly {}", count(&equal)));
    }
    match (bound(error, "min"), bound(error, "max")) {
        (Some(min), Some(max)) => Some(format!("must have {min} to {}", count(&max))),
        (Some(min), None) => Some(format!("must have at least {}", count(&min))),
        (None, Some(max)) => Some(format!("must have at most {}", count(&max))),
        (None, None) => None,
    }
}

fn range(error: &ValidationError) -> Option<String> {
    let bounds = [
        ("min", "at least"),
        ("exclusive_min", "greater than"),
        ("max", "at most"),
        ("exclusive_max", "less than"),
    ];
    let parts: Vec<String> = bounds
        .into_iter()
        .filter_map(|(name, words)| bound(error, name).map(|it| format!("{words} {it}")))
        .collect();
    (!parts.is_empty()).then(|| format!("must be {}", parts.join(" and ")))
}

fn bound(error: &ValidationError, name: &str) -> Option<String> {
    match error.params.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(code: &'static str, params: &[(&'static str, Value)]) -> String {
        let mut error = ValidationError::new(code);
        for (name, value) in params {
            error.add_param((*name).into(), value);
        }
        message(&error)
    }

    #[test]
    fn bounds_are_named_and_values_are_not() {
        let text = || ("value", json!("secret"));
        let cases: Vec<(String, &str)> = vec![
            (
                said("length", &[("min", json!(3)), text()]),
                "must have at least 3 characters",
            ),
            (
                said("length", &[("max", json!(1)), text()]),
                "must have at most 1 character",
            ),
            (
                said(
                    "length",
                    &[("min", json!(1)), ("max", json!(2)), ("value", json!([]))],
                ),
                "must have 1 to 2 elements",
            ),
            (
                said("length", &[("equal", json!(1)), ("value", json!({}))]),
                "must have exactly 1 entry",
            ),
            (
                said(
                    "range",
                    &[
                        ("min", json!(0.5)),
                        ("exclusive_max", json!(9)),
                        ("value", json!(77)),
                    ],
                ),
                "must be at least 0.5 and less than 9",
            ),
            (
                said("contains", &[("needle", json!("@")), text()]),
                "must contain \"@\"",
            ),
            (
                said("must_match", &[("other", json!("secret")), text()]),
                "must be the same as another field",
            ),
            (said("regex", &[text()]), "does not have the required form"),
            (said("length", &[text()]), "breaks the rule \"length\""),
            (
                said("no_such_place", &[text()]),
                "breaks the rule \"no_such_place\"",
            ),
        ];
        for (message, expected) in cases {
            assert_eq!(message, expected);
        }
    }

    #[test]
    fn the_message_of_a_rule_goes_first() {
        let error = ValidationError::new("length").with_message("too short".into());
        assert_eq!(message(&error), "too short");
    }
}
