//! Lists of fields: what to sort by, and what to show.

use std::str::FromStr;

use den::{Json, Order, field};
use winnow::{
    Parser,
    combinator::{opt, separated},
    stream::TokenSlice,
};

use super::{
    fault::Fault,
    grammar::{Input, Parsed, is_end, segments, symbol, unexpected},
    tokens::tokens,
};

/// `price,-address.city`: the fields to sort by, with a minus for the largest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SortList(Vec<SortKey>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct SortKey {
    segments: Vec<String>,
    descending: bool,
}

/// `name,address.city`: the fields to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FieldList(Vec<Vec<String>>);

impl SortList {
    /// The orders, the first one first.
    pub(crate) fn orders(&self) -> impl Iterator<Item = Order<Json>> + '_ {
        self.0.iter().map(|key| {
            let field = field(key.segments.clone());
            match key.descending {
                true => field.desc(),
                false => field.asc(),
            }
        })
    }
}

impl FieldList {
    /// The segments of each field.
    pub(crate) fn paths(&self) -> &[Vec<String>] {
        &self.0
    }
}

impl FromStr for SortList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        list(text, sort_key).map(Self)
    }
}

impl FromStr for FieldList {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        list(text, segments).map(Self)
    }
}

fn list<T>(
    text: &str,
    mut item: impl FnMut(&mut Input<'_>) -> Parsed<T>,
) -> Result<Vec<T>, String> {
    let mut read = || -> Result<Vec<T>, Fault> {
        let tokens = tokens(text)?;
        let mut input = TokenSlice::new(&tokens);
        let items = separated(1.., |input: &mut Input<'_>| item(input), symbol(","))
            .parse_next(&mut input)?;
        match is_end(&input) {
            true => Ok(items),
            false => Err(unexpected(&input, "expected a comma between fields")),
        }
    };
    read().map_err(|fault| fault.render(text))
}

fn sort_key(input: &mut Input<'_>) -> Parsed<SortKey> {
    let descending = opt(symbol("-")).parse_next(input)?.is_some();
    if !descending {
        opt(symbol("+")).parse_next(input)?;
    }
    Ok(SortKey {
        segments: segments(input)?,
        descending,
    })
}
