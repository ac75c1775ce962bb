//! Numbers for people.

use std::time::Duration;

/// `1234567` as `1,234,567`.
pub(crate) fn count(value: u64) -> String {
    let digits = value.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1 document`, `2 documents`.
pub(crate) fn documents(value: u64) -> String {
    match value {
        1 => "1 document".to_owned(),
        _ => format!("{} documents", count(value)),
    }
}

/// `1 step`, `2 steps`.
pub(crate) fn steps(value: u64) -> String {
    match value {
        1 => "1 step".to_owned(),
        _ => format!("{} steps", count(value)),
    }
}

/// `1.5 s`, `12 ms`.
pub(crate) fn duration(value: Duration) -> String {
    match value.as_secs() {
        0 => format!("{} ms", value.as_millis()),
        1..60 => format!("{:.1} s", value.as_secs_f64()),
        _ => indicatif::HumanDuration(value).to_string(),
    }
}

/// `1536` as `1.5 KiB`.
pub(crate) fn bytes(value: u64) -> String {
    indicatif::BinaryBytes(value).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_readable() {
        for (value, text) in [
            (0, "0"),
            (999, "999"),
            (1000, "1,000"),
            (1_234_567, "1,234,567"),
        ] {
            assert_eq!(count(value), text);
        }
        assert_eq!(documents(1), "1 document");
        assert_eq!(documents(0), "0 documents");
        assert_eq!(bytes(1536), "1.50 KiB");
    }
}
