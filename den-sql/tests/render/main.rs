//! What both dialects make of every operator and statement, side by side.

mod arrays;
mod compare;
mod definitions;
mod documents;
mod limits;
mod lint;
mod logic;
mod orders;
mod pages;
mod paths;
mod positions;
mod support;
mod text;
mod windows;
