//! Prints a parsed pattern as an advanced regular expression of PostgreSQL.

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind, Look, Repetition};

use super::{TOO_LARGE, refused};
use crate::Result;

/// PostgreSQL's `DUPMAX`.
const MAX_COUNT: u32 = 255;

/// PostgreSQL copies a repeated part as often as it may occur, in time that grows faster than the
/// number of copies: 900 take 10 ms, 10 000 take 600 ms.
const MAX_COPIES: u64 = 2000;

/// The longest text, of which large Unicode classes make up most.
const MAX_TEXT: usize = 100_000;

/// What matches no text at all.
const NOTHING: &str = r"[^\u0001-\U0010ffff]";

pub(super) fn print(hir: &Hir) -> Result<String> {
    if size(hir, Copies::Counted).saturating_sub(size(hir, Copies::Once)) > MAX_COPIES {
        return Err(refused(TOO_LARGE));
    }
    let mut out = String::new();
    write(hir, &mut out)?;
    if out.len() > MAX_TEXT {
        return Err(refused(TOO_LARGE));
    }
    Ok(out)
}

/// How a repeated part counts.
#[derive(Clone, Copy)]
enum Copies {
    Once,
    Counted,
}

/// How many characters and classes the pattern has.
fn size(hir: &Hir, copies: Copies) -> u64 {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) | HirKind::Class(_) => 1,
        HirKind::Literal(literal) => u64::try_from(literal.0.len()).unwrap_or(u64::MAX),
        HirKind::Capture(group) => size(&group.sub, copies),
        HirKind::Concat(parts) | HirKind::Alternation(parts) => parts
            .iter()
            .fold(0, |sum, it| size(it, copies).saturating_add(sum)),
        HirKind::Repetition(it) => match copies {
            Copies::Once => size(&it.sub, copies),
            Copies::Counted => {
                let times = u64::from(it.max.unwrap_or(it.min).max(1));
                size(&it.sub, copies).saturating_mul(times)
            }
        },
    }
}

fn write(hir: &Hir, out: &mut String) -> Result<()> {
    match hir.kind() {
        HirKind::Empty => out.push_str("(?:)"),
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).map_err(|error| {
                refused("the pattern matches bytes that are not UTF-8").with_source(error)
            })?;
            for it in text.chars() {
                write_literal(it, out)?;
            }
        }
        HirKind::Class(class) => write_class(class, out)?,
        HirKind::Look(look) => write_look(*look, out)?,
        HirKind::Repetition(repetition) => write_repetition(repetition, out)?,
        HirKind::Capture(group) => write_group(&group.sub, out)?,
        HirKind::Concat(parts) => {
            for part in parts {
                match part.kind() {
                    HirKind::Alternation(_) => write_group(part, out)?,
                    HirKind::Empty
                    | HirKind::Literal(_)
                    | HirKind::Class(_)
                    | HirKind::Look(_)
                    | HirKind::Repetition(_)
                    | HirKind::Capture(_)
                    | HirKind::Concat(_) => write(part, out)?,
                }
            }
        }
        HirKind::Alternation(parts) => {
            for (i, part) in parts.iter().enumerate() {
                if i > 0 {
                    out.push('|');
                }
                write(part, out)?;
            }
        }
    }
    Ok(())
}

fn write_group(hir: &Hir, out: &mut String) -> Result<()> {
    out.push_str("(?:");
    write(hir, out)?;
    out.push(')');
    Ok(())
}

/// Greedy or not makes no difference to whether there is a match.
fn write_repetition(repetition: &Repetition, out: &mut String) -> Result<()> {
    let Repetition { min, max, sub, .. } = repetition;
    if *min > MAX_COUNT || max.is_some_and(|it| it > MAX_COUNT) {
        return Err(refused(
            "the pattern repeats more than 255 times; write `+` or `*`, or nest two smaller counts",
        ));
    }
    // An anchor may not be repeated in PostgreSQL, and repeating what takes no text adds nothing.
    if sub.properties().maximum_len() == Some(0) {
        return match min {
            0 => {
                // Still refuses what is not allowed inside.
                write(sub, &mut String::new())?;
                out.push_str("(?:)");
                Ok(())
            }
            _ => write_group(sub, out),
        };
    }
    match sub.kind() {
        HirKind::Class(_) => write(sub, out)?,
        HirKind::Literal(literal) if is_one_character(&literal.0) => write(sub, out)?,
        HirKind::Empty
        | HirKind::Literal(_)
        | HirKind::Look(_)
        | HirKind::Repetition(_)
        | HirKind::Capture(_)
        | HirKind::Concat(_)
        | HirKind::Alternation(_) => write_group(sub, out)?,
    }
    match (min, max) {
        (0, None) => out.push('*'),
        (1, None) => out.push('+'),
        (0, Some(1)) => out.push('?'),
        (min, None) => out.push_str(&format!("{{{min},}}")),
        (min, Some(max)) if min == max => out.push_str(&format!("{{{min}}}")),
        (min, Some(max)) => out.push_str(&format!("{{{min},{max}}}")),
    }
    Ok(())
}

fn is_one_character(bytes: &[u8]) -> bool {
    std::str::from_utf8(bytes).is_ok_and(|it| it.chars().count() == 1)
}

fn write_look(look: Look, out: &mut String) -> Result<()> {
    match look {
        Look::Start => out.push('^'),
        Look::End => out.push('$'),
        Look::StartLF | Look::EndLF | Look::StartCRLF | Look::EndCRLF => {
            return Err(refused(
                r"the pattern anchors at lines (`(?m)`), which not every engine does alike; write `(?:^|\n)` or `(?:\n|$)` without `(?m)`",
            ));
        }
        Look::WordAscii
        | Look::WordAsciiNegate
        | Look::WordUnicode
        | Look::WordUnicodeNegate
        | Look::WordStartAscii
        | Look::WordEndAscii
        | Look::WordStartUnicode
        | Look::WordEndUnicode
        | Look::WordStartHalfAscii
        | Look::WordEndHalfAscii
        | Look::WordStartHalfUnicode
        | Look::WordEndHalfUnicode => {
            return Err(refused(
                r"the pattern has a word boundary (`\b`), which not every engine finds alike; write `(?:^|\W)` or `(?:\W|$)`",
            ));
        }
    }
    Ok(())
}

fn write_literal(it: char, out: &mut String) -> Result<()> {
    if it == '\0' {
        return Err(refused(
            "the pattern needs a NUL character, which no text that is stored holds; leave it out",
        ));
    }
    // PostgreSQL takes a backslash before anything but a letter or digit for that character.
    if it.is_ascii_punctuation() || it == ' ' {
        out.push('\\');
        out.push(it);
    } else if it.is_control() {
        write_code(it, out);
    } else {
        out.push(it);
    }
    Ok(())
}

fn write_class(class: &Class, out: &mut String) -> Result<()> {
    let owned;
    let class = match class {
        Class::Unicode(class) => class,
        Class::Bytes(class) => {
            let ascii = class.to_unicode_class();
            owned = ascii.ok_or_else(|| refused("the pattern matches bytes that are not UTF-8"))?;
            &owned
        }
    };
    write_ranges(class, out)
}

fn write_ranges(class: &ClassUnicode, out: &mut String) -> Result<()> {
    if class.ranges().is_empty() {
        out.push_str(NOTHING);
        return Ok(());
    }
    out.push('[');
    let start = out.len();
    for range in class.iter() {
        // No stored text holds NUL, and PostgreSQL takes none in a pattern.
        let (first, last) = (range.start().max('\u{1}'), range.end());
        if last == '\0' {
            continue;
        }
        write_member(first, out);
        if last > first {
            out.push('-');
            write_member(last, out);
        }
    }
    if out.len() == start {
        return Err(refused(
            "the pattern needs a NUL character, which no text that is stored holds; leave it out",
        ));
    }
    out.push(']');
    Ok(())
}

fn write_member(it: char, out: &mut String) {
    if it.is_ascii_alphanumeric() {
        out.push(it);
    } else {
        write_code(it, out);
    }
}

/// Writes the escape of a code point, which stands for the plain character everywhere.
fn write_code(it: char, out: &mut String) {
    let code = u32::from(it);
    match u16::try_from(code) {
        Ok(code) => out.push_str(&format!("\\u{code:04x}")),
        Err(_) => out.push_str(&format!("\\U{code:08x}")),
    }
}
