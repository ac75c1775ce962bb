//! What both dialects make of every operator and statement, side by side.

mod arrays;
mod compare;
mod definitions;
mod documents;
mod limits;
mod linked;
mod lint;
mod logic;
mod orders;
mod pages;
mod partial;
mod paths;
mod positions;
mod support;
mod text;
mod updates;
mod windows;
