//! Versions of steps: what they may be, and how they are ordered.

use std::cmp::Ordering;

use den_backend::{Error, ErrorKind, Result};

/// The longest namespace or version, in bytes.
const LONGEST: usize = 100;

/// Compares two versions: runs of digits as numbers, all else byte by byte.
///
/// # Behavior
///
/// - `2` comes before `10`, and `1.9` before `1.10`; `01` and `1` are the same.
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.as_bytes(), b.as_bytes());
    loop {
        let (digits_a, rest_a) = split(a);
        let (digits_b, rest_b) = split(b);
        let by_part = match (digits_a.is_empty(), digits_b.is_empty()) {
            (false, false) => compare_numbers(digits_a, digits_b),
            (true, true) => match (rest_a.split_first(), rest_b.split_first()) {
                (Some((first_a, tail_a)), Some((first_b, tail_b))) => {
                    (a, b) = (tail_a, tail_b);
                    match first_a.cmp(first_b) {
                        Ordering::Equal => continue,
                        unequal @ (Ordering::Less | Ordering::Greater) => return unequal,
                    }
                }
                (None, None) => return Ordering::Equal,
                (None, Some(_)) => return Ordering::Less,
                (Some(_), None) => return Ordering::Greater,
            },
            (true, false) | (false, true) => return a.cmp(b),
        };
        if by_part.is_ne() {
            return by_part;
        }
        (a, b) = (rest_a, rest_b);
    }
}

/// Checks that a text can be a namespace or a version; `what` says which.
///
/// # Errors
///
/// `InvalidQuery` for anything but ASCII letters, digits, `.`, `-` and `_`, for an empty text, and for one
/// longer than 100 bytes.
pub(super) fn check(text: &str, what: &str) -> Result<()> {
    let is_plain = |it: u8| it.is_ascii_alphanumeric() || matches!(it, b'.' | b'-' | b'_');
    if text.is_empty() || text.len() > LONGEST || !text.bytes().all(is_plain) {
        return Err(Error::new(
            ErrorKind::InvalidQuery,
            format!(
                "the {what} `{}` is not made of 1 to {LONGEST} letters, digits, `.`, `-` and `_`",
                text.escape_default()
            ),
        ));
    }
    Ok(())
}

/// The digits at the start, and what follows them.
fn split(text: &[u8]) -> (&[u8], &[u8]) {
    let digits = text.iter().take_while(|it| it.is_ascii_digit()).count();
    text.split_at(digits)
}

/// By length first, so that no number is too large.
fn compare_numbers(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (without_zeros(a), without_zeros(b));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

fn without_zeros(digits: &[u8]) -> &[u8] {
    let zeros = digits.iter().take_while(|it| **it == b'0').count();
    digits.get(zeros..).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_ordered_as_numbers() {
        let sorted = [
            "1",
            "1.9",
            "1.10",
            "2",
            "2-a",
            "2-b",
            "2-b1",
            "10",
            "20260216120000",
            "20260216120000_a",
            "99999999999999999999999999",
            "a",
        ];
        for (at, a) in sorted.iter().enumerate() {
            for (other, b) in sorted.iter().enumerate() {
                assert_eq!(compare(a, b), at.cmp(&other), "{a} and {b}");
            }
        }
        assert_eq!(compare("01", "1"), Ordering::Equal);
    }

    #[test]
    fn a_version_is_plain() {
        assert!(check("20260216120000_first.1-b", "version").is_ok());
        for bad in ["", "a/b", "a b", "ä", "a\n", &"1".repeat(101)] {
            let error = check(bad, "version").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidQuery, "{bad}");
        }
    }
}
