//! Serde's rules for names: what a field is called in the stored document.

/// A value of `rename_all`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RenameRule {
    Lower,
    Upper,
    Pascal,
    Camel,
    Snake,
    ScreamingSnake,
    Kebab,
    ScreamingKebab,
}

impl RenameRule {
    /// The rule with this name; nothing for one that serde does not know either.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        Some(match text {
            "lowercase" => Self::Lower,
            "UPPERCASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "snake_case" => Self::Snake,
            "SCREAMING_SNAKE_CASE" => Self::ScreamingSnake,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::ScreamingKebab,
            _ => return None,
        })
    }

    /// Applies the rule to the name of a field, which is taken to be `snake_case`.
    pub(crate) fn apply(self, field: &str) -> String {
        match self {
            Self::Lower | Self::Snake => field.to_owned(),
            Self::Upper | Self::ScreamingSnake => field.to_ascii_uppercase(),
            Self::Pascal => pascal(field),
            Self::Camel => {
                let pascal = pascal(field);
                let mut chars = pascal.chars();
                let first = chars.next().map(|it| it.to_ascii_lowercase());
                first.into_iter().chain(chars).collect()
            }
            Self::Kebab => field.replace('_', "-"),
            Self::ScreamingKebab => field.to_ascii_uppercase().replace('_', "-"),
        }
    }
}

impl RenameRule {
    /// Applies the rule to the name of a variant, which is taken to be `PascalCase`.
    pub(crate) fn apply_to_variant(self, variant: &str) -> String {
        match self {
            Self::Pascal => variant.to_owned(),
            Self::Lower => variant.to_ascii_lowercase(),
            Self::Upper => variant.to_ascii_uppercase(),
            Self::Camel => {
                let mut chars = variant.chars();
                let first = chars.next().map(|it| it.to_ascii_lowercase());
                first.into_iter().chain(chars).collect()
            }
            Self::Snake => snake(variant),
            Self::ScreamingSnake => snake(variant).to_ascii_uppercase(),
            Self::Kebab => snake(variant).replace('_', "-"),
            Self::ScreamingKebab => snake(variant).to_ascii_uppercase().replace('_', "-"),
        }
    }
}

fn snake(variant: &str) -> String {
    let mut name = String::new();
    for (at, it) in variant.char_indices() {
        if at > 0 && it.is_uppercase() {
            name.push('_');
        }
        name.push(it.to_ascii_lowercase());
    }
    name
}

fn pascal(field: &str) -> String {
    let mut name = String::new();
    let mut starts_word = true;
    for it in field.chars() {
        if it == '_' {
            starts_word = true;
        } else if starts_word {
            name.push(it.to_ascii_uppercase());
            starts_word = false;
        } else {
            name.push(it);
        }
    }
    name
}

/// What is wrong with a stored name, if anything is.
pub(crate) fn complaint(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        Some("a stored name cannot be empty")
    } else if name.chars().any(char::is_control) {
        Some("a stored name cannot hold a control character")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expectations of serde's own tests.
    #[test]
    fn rules_are_those_of_serde() {
        for (field, upper, pascal, camel, kebab, screaming_kebab) in [
            (
                "outcome", "OUTCOME", "Outcome", "outcome", "outcome", "OUTCOME",
            ),
            (
                "very_tasty",
                "VERY_TASTY",
                "VeryTasty",
                "veryTasty",
                "very-tasty",
                "VERY-TASTY",
            ),
            ("a", "A", "A", "a", "a", "A"),
            ("z42", "Z42", "Z42", "z42", "z42", "Z42"),
            ("_x", "_X", "X", "x", "-x", "-X"),
            ("x_", "X_", "X", "x", "x-", "X-"),
            (
                "größe_x",
                "GRößE_X",
                "GrößeX",
                "größeX",
                "größe-x",
                "GRößE-X",
            ),
        ] {
            assert_eq!(RenameRule::Lower.apply(field), field);
            assert_eq!(RenameRule::Snake.apply(field), field);
            assert_eq!(RenameRule::Upper.apply(field), upper);
            assert_eq!(RenameRule::ScreamingSnake.apply(field), upper);
            assert_eq!(RenameRule::Pascal.apply(field), pascal);
            assert_eq!(RenameRule::Camel.apply(field), camel);
            assert_eq!(RenameRule::Kebab.apply(field), kebab);
            assert_eq!(RenameRule::ScreamingKebab.apply(field), screaming_kebab);
        }
    }

    #[test]
    fn rules_for_variants_are_those_of_serde() {
        for (rule, outcome, very_tasty) in [
            (RenameRule::Pascal, "Outcome", "VeryTasty"),
            (RenameRule::Lower, "outcome", "verytasty"),
            (RenameRule::Upper, "OUTCOME", "VERYTASTY"),
            (RenameRule::Camel, "outcome", "veryTasty"),
            (RenameRule::Snake, "outcome", "very_tasty"),
            (RenameRule::ScreamingSnake, "OUTCOME", "VERY_TASTY"),
            (RenameRule::Kebab, "outcome", "very-tasty"),
            (RenameRule::ScreamingKebab, "OUTCOME", "VERY-TASTY"),
        ] {
            assert_eq!(rule.apply_to_variant("Outcome"), outcome);
            assert_eq!(rule.apply_to_variant("VeryTasty"), very_tasty);
        }
    }

    #[test]
    fn empty_names_and_control_characters_are_refused() {
        assert!(complaint("").is_some());
        assert!(complaint("a\nb").is_some());
        assert!(complaint("a.b c\"d'").is_none());
    }
}
