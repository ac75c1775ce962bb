//! The small language of filters: `price < 20 and tags contains "go"`.
//!
//! ```text
//! filter     = all { "or" all }
//! all        = term { "and" term }
//! term       = "not" term | "(" filter ")" | subject condition
//! subject    = field | "len" "(" field ")"
//! field      = segment { "." segment }          segment = a word, or text in quotes
//! condition  = ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) operand
//!            | [ "not" ] "in" "(" value { "," value } ")"
//!            | [ "not" ] "between" operand "and" operand
//!            | [ "not" ] ( "contains" | "has" ) value
//!            | [ "not" ] ( "starts" | "ends" ) "with" text [ "ignoring" "case" ]
//!            | [ "not" ] "matches" ( text | "/" regular expression "/" )
//!            | "is" [ "not" ] ( "null" | "missing" | "empty" )
//!            | [ "not" ] "exists"
//! operand    = value | "field" "(" field ")"
//! value      = text in quotes | number | list | object | "true" | "false" | "null"
//! ```

mod condition;
mod fault;
mod fields;
mod grammar;
#[cfg(test)]
mod tests;
mod tokens;

pub(crate) use self::{
    fields::{FieldList, SortList},
    grammar::parse,
};
