//! What both dialects make of every operator and statement, side by side.

mod arrays;
mod compare;
mod computed;
mod constraints;
mod definitions;
mod documents;
mod functions;
mod groups;
mod limits;
mod linked;
mod lint;
mod logic;
mod natives;
mod orders;
mod pages;
mod partial;
mod patches;
mod paths;
mod positions;
mod search;
mod support;
mod text;
mod updates;
mod upserts;
mod windows;
