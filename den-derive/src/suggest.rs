//! The name that was probably meant.

/// The candidate nearest to `name`, if one is near enough to be a slip of the pen.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let reach = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|it| (distance(&name.to_lowercase(), &it.to_lowercase()), it))
        .filter(|(distance, _)| *distance <= reach)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, it)| it)
}

/// `: did you mean "x"?`, or nothing.
pub(crate) fn did_you_mean<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
    quote: char,
) -> String {
    nearest(name, candidates)
        .map(|it| format!("; did you mean {quote}{it}{quote}?"))
        .unwrap_or_default()
}

/// `` `a`, `b`, `c` ``.
pub(crate) fn list<'a>(names: impl IntoIterator<Item = &'a str>, quote: char) -> String {
    let names: Vec<String> = names
        .into_iter()
        .map(|it| format!("{quote}{it}{quote}"))
        .collect();
    names.join(", ")
}

/// How many letters have to be added, removed, replaced or swapped with their neighbour.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before_last: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let replaced = last[j] + usize::from(l != r);
            let mut best = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            let swapped = i > 0 && j > 0 && left[i - 1] == *r && *l == right[j - 1];
            if swapped {
                best = best.min(before_last[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits_and_swaps() {
        for (left, right, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("index", "index", 0),
            ("indx", "index", 1),
            ("idnex", "index", 1),
            ("naem", "name", 1),
            ("unqiue", "unique", 1),
            ("kitten", "sitting", 3),
        ] {
            assert_eq!(distance(left, right), expected, "{left} {right}");
            assert_eq!(distance(right, left), expected, "{right} {left}");
        }
    }

    #[test]
    fn only_slips_are_suggested() {
        let keys = ["index", "unique", "kind"];
        assert_eq!(nearest("Indexed", keys), Some("index"));
        assert_eq!(nearest("idx", keys), None);
        assert_eq!(nearest("validate", keys), None);
        assert_eq!(did_you_mean("knid", keys, '`'), "; did you mean `kind`?");
        assert_eq!(list(keys, '`'), "`index`, `unique`, `kind`");
    }
}
