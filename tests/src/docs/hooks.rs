//! The type of the first example of `docs/hooks.md`.

use den::prelude::*;
use serde::{Deserialize, Serialize};

/// A post with a slug made of its title.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Document)]
#[den(collection = "posts", hooks)]
pub struct Post {
    #[serde(flatten)]
    pub base: Base<Post>,
    pub title: String,
    #[den(unique)]
    pub slug: String,
}

impl Hooks for Post {
    async fn before_save(&mut self, _cx: &HookContext) -> den::Result<()> {
        self.slug = self.title.to_lowercase().replace(' ', "-");
        Ok(())
    }
}
