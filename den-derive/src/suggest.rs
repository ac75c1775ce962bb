//! The name that was probably meant.

use strsim::osa_distance;

/// The candidate nearest to `name`, if one is near enough to be a slip of the pen.
pub(crate) fn nearest<'a>(
    name: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let reach = (name.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|it| (osa_distance(&name.to_lowercase(), &it.to_lowercase()), it))
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

#[cfg(test)]
mod tests {
    use super::*;

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
