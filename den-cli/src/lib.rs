//! The `den` command, as a library that an application can embed.
