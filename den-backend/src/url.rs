//! Database URLs, printed without their secrets.

use std::fmt;

use crate::{Error, ErrorKind, Result};

/// A database URL: `scheme:rest`.
///
/// # Behavior
///
/// - `Debug` and `Display` show no password: neither `user:password@` nor `password=`.
#[derive(Clone, PartialEq, Eq)]
pub struct DatabaseUrl {
    text: String,
    scheme: String,
}

impl DatabaseUrl {
    /// Takes a URL apart as far as the scheme, which is case-insensitive.
    ///
    /// # Errors
    ///
    /// `UnknownScheme` if there is none.
    pub fn parse(text: &str) -> Result<Self> {
        let text = text.trim();
        if text.is_empty() {
            return Err(Error::new(
                ErrorKind::UnknownScheme,
                "the database URL is empty; write for instance `sqlite:///app.db`",
            ));
        }
        let scheme = text.split_once(':').map(|(scheme, _)| scheme);
        let Some(scheme) = scheme.filter(|it| is_scheme(it)) else {
            return Err(Error::new(
                ErrorKind::UnknownScheme,
                "the database URL has no scheme; write for instance `sqlite:///app.db`",
            ));
        };
        Ok(Self {
            scheme: scheme.to_ascii_lowercase(),
            text: text.to_owned(),
        })
    }

    /// The scheme, in lower case.
    pub fn scheme(&self) -> &str {
        &self.scheme
    }

    /// The whole URL, secrets included.
    pub fn expose(&self) -> &str {
        &self.text
    }

    /// What follows the scheme and its colon, without the query.
    pub fn rest(&self) -> &str {
        let rest = &self.text[self.scheme.len() + 1..];
        rest.split_once('?').map_or(rest, |(rest, _)| rest)
    }

    /// The parameters after `?`, percent-decoded, in order.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for text that is not UTF-8 once decoded.
    pub fn parameters(&self) -> Result<Vec<(String, String)>> {
        let Some((_, query)) = self.text.split_once('?') else {
            return Ok(Vec::new());
        };
        let pairs = query.split('&').filter(|it| !it.is_empty());
        pairs
            .map(|pair| {
                let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
                Ok((percent_decode(name)?, percent_decode(value)?))
            })
            .collect()
    }
}

fn is_scheme(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(|it| it.is_ascii_alphabetic())
        && chars.all(|it| it.is_ascii_alphanumeric() || matches!(it, '+' | '-' | '.'))
}

/// Decodes `%41` to `A`; a `%` without two hex digits stands for itself.
///
/// # Errors
///
/// `InvalidQuery` if the result is not UTF-8.
pub fn percent_decode(text: &str) -> Result<String> {
    let bytes = text.as_bytes();
    let mut out = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while let Some(&byte) = bytes.get(at) {
        let hex = text.get(at + 1..at + 3);
        let hex = hex.filter(|it| byte == b'%' && it.bytes().all(|it| it.is_ascii_hexdigit()));
        match hex.and_then(|it| u8::from_str_radix(it, 16).ok()) {
            Some(decoded) => {
                out.push(decoded);
                at += 3;
            }
            None => {
                out.push(byte);
                at += 1;
            }
        }
    }
    String::from_utf8(out).map_err(|_| {
        Error::new(
            ErrorKind::InvalidQuery,
            "a parameter of the database URL is not UTF-8",
        )
    })
}

impl fmt::Display for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A password may itself hold `?`, `@` and `:`, escaped or not: the last `@` ends it.
        let (user, rest) = match self.text.split_once("://") {
            Some((scheme, rest)) => match rest.rsplit_once('@') {
                Some((user, rest)) => {
                    let name = user.split_once(':').map_or(user, |(name, _)| name);
                    (format!("{scheme}://{name}:***@"), rest)
                }
                None => (format!("{scheme}://"), rest),
            },
            None => (String::new(), self.text.as_str()),
        };
        let (base, query) = match rest.split_once('?') {
            Some((base, query)) => (base, Some(query)),
            None => (rest, None),
        };
        write!(f, "{user}{base}")?;
        let Some(query) = query else { return Ok(()) };
        f.write_str("?")?;
        for (i, pair) in query.split('&').enumerate() {
            if i > 0 {
                f.write_str("&")?;
            }
            match pair.split_once('=') {
                Some((name, _)) if is_secret(name) => write!(f, "{name}=***")?,
                Some(_) | None => f.write_str(pair)?,
            }
        }
        Ok(())
    }
}

fn is_secret(parameter: &str) -> bool {
    let name = parameter.to_ascii_lowercase();
    ["pass", "pwd", "secret", "token", "key"]
        .iter()
        .any(|it| name.contains(it))
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_printed() {
        for text in [
            "postgres://me:s3cret@host/db",
            "postgres://me:s3@cret@host/db?sslmode=disable",
            "postgres://me:s?cret@host/db",
            "postgres://me:s3cret@host/db?a=b&token=cret",
            "postgres:///db?password=s3cret&host=x",
            "postgres://me:s3cret@host/db?PASSFILE=s3cret",
        ] {
            let url = DatabaseUrl::parse(text).unwrap();
            assert!(!format!("{url} {url:?}").contains("cret"), "{url}");
        }
    }

    #[test]
    fn schemes_are_lower_case() {
        assert_eq!(DatabaseUrl::parse("SQLite://x").unwrap().scheme(), "sqlite");
        for bad in ["", "  ", "x", "/tmp/x", "://x", "1a://x"] {
            assert!(DatabaseUrl::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn parameters_are_decoded() {
        let url = DatabaseUrl::parse("x://y?a=b%20c&flag&d=%zz%+5").unwrap();
        assert_eq!(
            url.parameters().unwrap(),
            [("a", "b c"), ("flag", ""), ("d", "%zz%+5")]
                .map(|(a, b)| (a.to_owned(), b.to_owned()))
        );
        assert_eq!(url.rest(), "//y");
    }
}
