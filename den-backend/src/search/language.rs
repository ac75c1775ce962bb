//! The endings of words.

use rust_stemmers::{Algorithm, Stemmer};

use crate::{Error, ErrorKind, Result};

/// The languages whose endings are known here, by the names that PostgreSQL gives them.
pub const LANGUAGES: [&str; 18] = [
    "arabic",
    "danish",
    "dutch",
    "english",
    "finnish",
    "french",
    "german",
    "greek",
    "hungarian",
    "italian",
    "norwegian",
    "portuguese",
    "romanian",
    "russian",
    "spanish",
    "swedish",
    "tamil",
    "turkish",
];

/// Checks that a search index can be read in a language, which is one of the `known` ones.
///
/// # Errors
///
/// `Unsupported`, with the list.
pub fn check_language(language: Option<&str>, known: &[&str]) -> Result<()> {
    match language {
        Some(language) if !known.contains(&language) => {
            let message = format!(
                "this backend cannot search in the language `{}`; it knows: {}",
                language.escape_debug(),
                known.join(", ")
            );
            Err(Error::new(ErrorKind::Unsupported, message))
        }
        Some(_) | None => Ok(()),
    }
}

/// What cuts the endings off; none for a language that is not known here.
pub(super) fn stemmer(language: &str) -> Option<Stemmer> {
    let algorithm = match language {
        "arabic" => Algorithm::Arabic,
        "danish" => Algorithm::Danish,
        "dutch" => Algorithm::Dutch,
        "english" => Algorithm::English,
        "finnish" => Algorithm::Finnish,
        "french" => Algorithm::French,
        "german" => Algorithm::German,
        "greek" => Algorithm::Greek,
        "hungarian" => Algorithm::Hungarian,
        "italian" => Algorithm::Italian,
        "norwegian" => Algorithm::Norwegian,
        "portuguese" => Algorithm::Portuguese,
        "romanian" => Algorithm::Romanian,
        "russian" => Algorithm::Russian,
        "spanish" => Algorithm::Spanish,
        "swedish" => Algorithm::Swedish,
        "tamil" => Algorithm::Tamil,
        "turkish" => Algorithm::Turkish,
        _ => return None,
    };
    Some(Stemmer::create(algorithm))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_listed_language_is_known() {
        assert!(LANGUAGES.iter().all(|it| stemmer(it).is_some()));
        assert!(stemmer("klingon").is_none());
    }

    #[test]
    fn an_unknown_language_is_refused_with_the_list() {
        let error = check_language(Some("tlh'"), &["english"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Unsupported);
        assert!(error.to_string().contains("english"), "{error}");
        check_language(None, &[]).unwrap();
    }
}
