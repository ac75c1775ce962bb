//! The parameters of a `postgres:` URL.

use std::{str::FromStr as _, time::Duration};

use den_backend::{DatabaseUrl, Error, ErrorKind, OpenOptions, Result, url::percent_decode};
use tokio_postgres::{
    Config,
    config::{Host, SslMode},
};

/// Everything a URL and the options beside it say.
#[derive(Debug)]
pub(crate) struct Settings {
    /// How to connect.
    pub(crate) config: Config,
    /// At most how many connections.
    pub(crate) max_connections: usize,
    /// How long to wait for a free one.
    pub(crate) acquire_timeout: Duration,
    /// How long to wait for a server to accept one, all hosts taken together.
    pub(crate) connect_timeout: Duration,
    /// Whether statements are prepared and kept.
    pub(crate) statements: Statements,
    /// Where to connect, for messages; without the password.
    pub(crate) target: String,
}

/// Whether statements are prepared and kept on their connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Statements {
    /// They are: the first use of a text costs a round trip more.
    Cached,
    /// Each is sent whole, under no name, as transaction poolers need it.
    Unnamed,
}

const DEFAULT_CONNECTIONS: usize = 10;
const DEFAULT_ACQUIRE: Duration = Duration::from_secs(30);
const DEFAULT_CONNECT: Duration = Duration::from_secs(10);

/// The parameters that den reads itself.
const OWN: &[&str] = &[
    "max_connections",
    "acquire_timeout",
    "statement_cache",
    "schema",
    "synchronous_commit",
    "connect_timeout",
    "sslmode",
    "options",
];

/// Those of libpq that are handed on.
const HANDED_ON: &[&str] = &[
    "user",
    "password",
    "dbname",
    "application_name",
    "host",
    "hostaddr",
    "port",
    "tcp_user_timeout",
    "keepalives",
    "keepalives_idle",
    "keepalives_interval",
    "keepalives_retries",
    "target_session_attrs",
    "channel_binding",
    "load_balance_hosts",
];

impl Settings {
    /// Reads a URL; what it says itself goes before `options`.
    ///
    /// # Errors
    ///
    /// `InvalidQuery` for an unknown parameter or a bad value, `Unsupported` for TLS.
    pub(crate) fn parse(url: &DatabaseUrl, options: &OpenOptions) -> Result<Self> {
        let mut max_connections = options.max_connections.unwrap_or(DEFAULT_CONNECTIONS);
        let mut acquire_timeout = options.acquire_timeout.unwrap_or(DEFAULT_ACQUIRE);
        let mut connect_timeout = options.connect_timeout.unwrap_or(DEFAULT_CONNECT);
        let mut statements = Statements::Cached;
        let mut startup = Startup::default();
        let mut handed_on = Vec::new();

        for pair in raw_pairs(url) {
            let (name, raw) = pair.split_once('=').unwrap_or((pair, ""));
            let name = percent_decode(name)?;
            let value = percent_decode(raw)?;
            match name.as_str() {
                "max_connections" => max_connections = connections(&value)?,
                "acquire_timeout" => acquire_timeout = duration(&name, &value)?,
                "connect_timeout" => connect_timeout = duration(&name, &value)?,
                "statement_cache" => statements = statement_cache(&value)?,
                "schema" => startup.schema(&value)?,
                "synchronous_commit" => startup.synchronous_commit(&value)?,
                "options" => startup.options(&value),
                "sslmode" => check_sslmode(&value)?,
                known if HANDED_ON.contains(&known) => handed_on.push(pair),
                _ => return Err(unknown(&name)),
            }
        }
        check_connections(max_connections)?;

        let mut config = config(url, &handed_on)?;
        // There is no TLS yet, so there is nothing to ask the server about.
        config.ssl_mode(SslMode::Disable);
        config.connect_timeout(connect_timeout);
        if config.get_application_name().is_none() {
            config.application_name("den");
        }
        if !startup.text.is_empty() {
            config.options(startup.text);
        }
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            config.host("localhost");
        }
        let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
        let hosts = u32::try_from(hosts).unwrap_or(u32::MAX);
        Ok(Self {
            target: target(&config),
            config,
            max_connections,
            acquire_timeout,
            connect_timeout: connect_timeout.saturating_mul(hosts),
            statements,
        })
    }
}

/// The parameters as they stand in the URL, still encoded.
fn raw_pairs(url: &DatabaseUrl) -> impl Iterator<Item = &str> {
    let query = url.expose().split_once('?').map_or("", |(_, query)| query);
    query.split('&').filter(|it| !it.is_empty())
}

fn config(url: &DatabaseUrl, handed_on: &[&str]) -> Result<Config> {
    if !url.rest().starts_with("//") {
        return Err(invalid(
            "write the URL as `postgres://user:password@host:5432/database`".into(),
        ));
    }
    // The driver knows the scheme in lower case only.
    let mut text = String::from(url.scheme());
    text.push(':');
    text.push_str(url.rest());
    if !handed_on.is_empty() {
        text.push('?');
        text.push_str(&handed_on.join("&"));
    }
    // Neither the text nor the driver's words for it may hold the password.
    Config::from_str(&text).map_err(|error| {
        invalid("the URL is not one of a PostgreSQL server".into()).with_source(error)
    })
}

/// Session settings that travel with the start of each connection: no round trip of their own.
#[derive(Default)]
struct Startup {
    text: String,
}

impl Startup {
    fn options(&mut self, text: &str) {
        self.separate();
        self.text.push_str(text);
    }

    fn schema(&mut self, name: &str) -> Result<()> {
        if name.is_empty() || name.chars().any(char::is_control) {
            return Err(invalid("the parameter `schema` must name a schema".into()));
        }
        let mut quoted = String::from("\"");
        quoted.push_str(&name.replace('"', "\"\""));
        quoted.push('"');
        self.set("search_path=", &quoted);
        Ok(())
    }

    fn synchronous_commit(&mut self, value: &str) -> Result<()> {
        let values = ["on", "off", "local", "remote_write", "remote_apply"];
        if !values.contains(&value) {
            return Err(invalid(format!(
                "the parameter `synchronous_commit` must be one of {}",
                values.join(", ")
            )));
        }
        self.set("synchronous_commit=", value);
        Ok(())
    }

    fn set(&mut self, name_and_sign: &'static str, value: &str) {
        self.separate();
        self.text.push_str("-c ");
        self.text.push_str(name_and_sign);
        for it in value.chars() {
            // The server splits at spaces, and takes a backslash as "the next one literally".
            if it == '\\' || it.is_ascii_whitespace() {
                self.text.push('\\');
            }
            self.text.push(it);
        }
    }

    fn separate(&mut self) {
        if !self.text.is_empty() {
            self.text.push(' ');
        }
    }
}

fn connections(value: &str) -> Result<usize> {
    value.parse().map_err(|_| {
        invalid("the parameter `max_connections` must be a whole number from 1".into())
    })
}

fn check_connections(count: usize) -> Result<()> {
    // Far above what a server takes, and far below what the pool can count.
    if (1..=10_000).contains(&count) {
        return Ok(());
    }
    Err(invalid(
        "`max_connections` must be at least 1 and at most 10000".into(),
    ))
}

fn statement_cache(value: &str) -> Result<Statements> {
    match value {
        "on" | "true" | "1" => Ok(Statements::Cached),
        "off" | "false" | "0" => Ok(Statements::Unnamed),
        _ => Err(invalid(
            "the parameter `statement_cache` must be `on` or `off`".into(),
        )),
    }
}

/// Reads `10`, `10s`, `2.5s` or `500ms`.
fn duration(name: &str, value: &str) -> Result<Duration> {
    let (number, unit) = match value.strip_suffix("ms") {
        Some(number) => (number, 1000.0),
        None => (value.strip_suffix('s').unwrap_or(value), 1.0),
    };
    let seconds = number.parse::<f64>().ok().map(|it| it / unit);
    seconds
        .filter(|it| *it > 0.0)
        .and_then(|it| Duration::try_from_secs_f64(it).ok())
        .ok_or_else(|| {
            invalid(format!(
                "the parameter `{name}` must be a positive number of seconds, such as `10` or `500ms`"
            ))
        })
}

fn check_sslmode(value: &str) -> Result<()> {
    match value {
        "disable" | "allow" | "prefer" => Ok(()),
        "require" | "verify-ca" | "verify-full" => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "`sslmode={value}` asks for an encrypted connection, which den does not make yet; \
                 use `sslmode=prefer` or `sslmode=disable`, over a network that you trust"
            ),
        )),
        _ => Err(invalid(
            "the parameter `sslmode` must be one of disable, allow, prefer, require, verify-ca, \
             verify-full"
                .into(),
        )),
    }
}

fn unknown(name: &str) -> Error {
    invalid(format!(
        "unknown parameter `{name}`; den knows {}, and of libpq {}",
        OWN.join(", "),
        HANDED_ON.join(", ")
    ))
}

fn invalid(message: String) -> Error {
    Error::new(ErrorKind::InvalidQuery, message).with_context("the database URL")
}

fn target(config: &Config) -> String {
    let host = match config.get_hosts().first() {
        Some(Host::Tcp(name)) => name.clone(),
        #[cfg(unix)]
        Some(Host::Unix(path)) => path.display().to_string(),
        None => config
            .get_hostaddrs()
            .first()
            .map_or_else(String::new, ToString::to_string),
    };
    let port = config.get_ports().first().copied().unwrap_or(5432);
    let mut target = format!("{host}:{port}");
    if let Some(database) = config.get_dbname() {
        target.push('/');
        target.push_str(database);
    }
    if let Some(user) = config.get_user() {
        target.push_str(" as ");
        target.push_str(user);
    }
    target
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Settings> {
        Settings::parse(&DatabaseUrl::parse(text)?, &OpenOptions::default())
    }

    fn refusal(text: &str) -> String {
        parse(text).unwrap_err().to_string()
    }

    #[test]
    fn own_parameters_are_read_and_stripped() {
        let it = parse(
            "Postgres://me:pw@host:1/db?max_connections=3&acquire_timeout=500ms&connect_timeout=2\
             &statement_cache=off&keepalives=0&schema=my%20%22s\\&options=-c%20x%3Dy&sslmode=prefer",
        )
        .unwrap();
        assert_eq!(it.max_connections, 3);
        assert_eq!(it.acquire_timeout, Duration::from_millis(500));
        assert_eq!(it.connect_timeout, Duration::from_secs(2));
        assert_eq!(it.statements, Statements::Unnamed);
        assert_eq!(it.config.get_application_name(), Some("den"));
        assert_eq!(
            it.config.get_options(),
            Some(r#"-c search_path="my\ ""s\\" -c x=y"#)
        );
        assert!(!it.config.get_keepalives());
        assert_eq!(it.target, "host:1/db as me");
    }

    #[test]
    fn bad_parameters_are_named() {
        assert!(refusal("postgres://h/d?max_conections=3").contains("`max_conections`"));
        assert!(refusal("postgres://h/d?max_conections=3").contains("max_connections"));
        for bad in [
            "max_connections=0",
            "max_connections=-1",
            "acquire_timeout=soon",
            "acquire_timeout=0",
            "statement_cache=maybe",
            "synchronous_commit=x",
            "schema=",
            "sslmode=x",
        ] {
            let name = bad.split('=').next().unwrap();
            let message = refusal(&["postgres://h/d?", bad].concat());
            assert!(message.contains(name), "{message}");
        }
        assert!(refusal("postgres:db").contains("postgres://user"));
    }

    #[test]
    fn encryption_is_refused_not_skipped() {
        for mode in ["require", "verify-full"] {
            let error = parse(&["postgres://h/d?sslmode=", mode].concat()).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Unsupported);
        }
    }

    #[test]
    fn no_password_is_printed() {
        for text in [
            "postgres://me:s3cret@host:x/db",
            "postgres://me:s3cret@host/db?port=x",
            "postgres://me:s3cret@host/db?nonsense=1",
        ] {
            let error = parse(text).unwrap_err();
            assert!(
                !format!("{error} {error:?}").contains("s3cret"),
                "{error:?}"
            );
        }
        let it = parse("postgres://me:s3cret@host/db").unwrap();
        assert!(!format!("{it:?}").contains("s3cret"));
    }
}
