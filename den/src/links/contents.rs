//! What a type may hold, known when the program is compiled, so that types without links or
//! attachments pay nothing for them.
//!
//! A type may hold itself, also through others, and a constant must not ask for itself. So each
//! constant looks a number of types down, and no further.

use std::marker::PhantomData;

use super::link::Link;
use crate::Document;

/// What may lie in a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Contents {
    /// Links.
    pub links: bool,
    /// Links of a field that is `#[den(eager)]`.
    pub eager: bool,
    /// Links of a field that is `#[den(owned)]`.
    pub owned: bool,
    /// Attachments.
    pub attachments: bool,
    /// Links with no key between them and the type, so that the rules of the field that holds the
    /// type are theirs.
    pub bare: bool,
}

impl Contents {
    /// Neither links nor attachments.
    pub const NOTHING: Self = Self {
        links: false,
        eager: false,
        owned: false,
        attachments: false,
        bare: false,
    };

    /// What a link is.
    pub const LINK: Self = Self {
        links: true,
        bare: true,
        ..Self::NOTHING
    };

    /// What an attachment is.
    pub const ATTACHMENT: Self = Self {
        attachments: true,
        ..Self::NOTHING
    };

    /// What both hold.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            links: self.links || other.links,
            eager: self.eager || other.eager,
            owned: self.owned || other.owned,
            attachments: self.attachments || other.attachments,
            bare: self.bare || other.bare,
        }
    }

    /// The same in a field of its own, which declares this.
    #[must_use]
    pub const fn keyed(self, eager: bool, owned: bool) -> Self {
        Self {
            eager: self.eager || eager,
            owned: self.owned || owned,
            bare: false,
            ..self
        }
    }
}

/// How many types down a constant still looks.
pub trait Depth {
    /// One less.
    type Below: Depth;
    /// `C`, or nothing at the end of the way.
    type Within<C: Known>: Known;
}

/// The end of the way.
#[derive(Debug)]
pub struct Bottom;

/// One type more than `N`.
#[derive(Debug)]
pub struct Over<N>(PhantomData<N>);

impl Depth for Bottom {
    type Below = Self;
    type Within<C: Known> = Self;
}

impl<N: Depth> Depth for Over<N> {
    type Below = N;
    type Within<C: Known> = C;
}

impl<T: Document + Clone, N> Contains<N> for Link<T> {
    // What a linked document holds is its own.
    const CONTENTS: Contents = Contents::LINK;
}

type Four<N> = Over<Over<Over<Over<N>>>>;

/// So many derived types down; no handle and no index reaches as far.
pub type Whole = Four<Four<Four<Four<Bottom>>>>;

/// A type of which is known what it may hold; derived with `Holds`.
pub trait Contains<N> {
    /// What it may hold.
    const CONTENTS: Contents = Contents::NOTHING;
}

/// What `T` may hold, looked up `N` types down.
struct At<T: ?Sized, N>(PhantomData<N>, PhantomData<T>);

/// Known contents.
pub trait Known {
    /// What it may hold.
    const CONTENTS: Contents;
}

impl<T: Contains<N> + ?Sized, N: Depth> Known for At<T, N> {
    const CONTENTS: Contents = <T as Contains<N>>::CONTENTS;
}

impl Known for Bottom {
    const CONTENTS: Contents = Contents::NOTHING;
}

/// Answers for any type, as [`Probe`](super::Probe) does.
#[derive(Debug)]
pub struct Look<T: ?Sized, N>(PhantomData<N>, PhantomData<T>);

impl<T: Contains<N::Below> + ?Sized, N: Depth> Look<T, N> {
    /// What `T` may hold.
    pub const CONTENTS: Contents = <N::Within<At<T, N::Below>> as Known>::CONTENTS;
}

/// The answer of [`Look`] for a type that is not known to hold anything.
pub trait ContainsNothing {
    /// Nothing.
    const CONTENTS: Contents = Contents::NOTHING;
}

impl<T: ?Sized, N> ContainsNothing for Look<T, N> {}

#[cfg(test)]
mod tests {
    use super::*;

    struct Link;
    struct Plain;
    struct Section;
    struct Block;
    struct Long<N>(PhantomData<N>);

    impl<N: Depth> Contains<N> for Link {
        const CONTENTS: Contents = Contents::LINK;
    }

    // `Section` holds `Block`s, and those hold `Section`s.
    impl<N: Depth> Contains<N> for Section {
        const CONTENTS: Contents = Look::<Vec<Block>, N>::CONTENTS.keyed(false, false);
    }

    impl<N: Depth> Contains<N> for Block {
        const CONTENTS: Contents = Look::<Option<Box<Section>>, N>::CONTENTS
            .keyed(false, false)
            .and(Look::<Plain, N>::CONTENTS)
            .and(Look::<Link, N>::CONTENTS.keyed(true, false));
    }

    // Without an end, and without links.
    impl<N: Depth, M: 'static> Contains<N> for Long<M> {
        const CONTENTS: Contents = Look::<Self, N>::CONTENTS;
    }

    #[test]
    fn types_that_hold_each_other_are_looked_through() {
        let held = Look::<Section, Whole>::CONTENTS;
        assert!(held.links && held.eager);
        assert!(!held.owned && !held.attachments && !held.bare);
        assert_eq!(Look::<Plain, Whole>::CONTENTS, Contents::NOTHING);
        assert_eq!(Look::<Vec<Option<Link>>, Whole>::CONTENTS, Contents::LINK);
        assert_eq!(Look::<Long<u8>, Whole>::CONTENTS, Contents::NOTHING);
    }
}
