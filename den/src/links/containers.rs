//! The types of the standard library in which links and attachments may lie.

use std::{
    collections::{BTreeMap, BTreeSet, BinaryHeap, HashMap, HashSet, LinkedList, VecDeque},
    hash::{BuildHasher, Hash},
    rc::Rc,
    sync::Arc,
};

use super::{
    contents::{Contains, Contents},
    holds::{Holds, IsGone, VisitLink},
    rules::{LinkMeta, Step, Trail},
};
use crate::{Attachment, Id, Json, Timestamp};

/// Types that hold nothing, so that tuples of these and others hold what the others do.
macro_rules! plain {
    ($($name:ty),+) => {$(
        impl<N> Contains<N> for $name {}
        impl Holds for $name {}
    )+};
}

plain!(
    String, char, bool, i8, i16, i32, i64, i128, isize, u8, u16, u32, u64, u128, usize, f32, f64,
    Timestamp, Json
);

impl<T, N> Contains<N> for Id<T> {}
impl<T> Holds for Id<T> {}

impl<N, T: Contains<N>> Contains<N> for Option<T> {
    const CONTENTS: Contents = T::CONTENTS;
}

impl<T: Holds> Holds for Option<T> {
    fn describe_links(trail: &mut Trail, each: &mut dyn FnMut(LinkMeta)) {
        trail.optional(|trail| T::describe_links(trail, each));
    }

    fn visit_links(&mut self, trail: &mut Trail, visit: VisitLink<'_>) {
        if let Some(value) = self {
            value.visit_links(trail, visit);
        }
    }

    fn remove_links(&mut self, is_gone: IsGone<'_>) -> bool {
        let value = self.as_mut();
        if value.is_some_and(|it| it.remove_links(is_gone)) {
            *self = None;
        }
        false
    }

    fn visit_attachments(&self, visit: &mut dyn FnMut(&Attachment)) {
        if let Some(value) = self {
            value.visit_attachments(visit);
        }
    }
}

macro_rules! sequence {
    ($($name:ident),+) => {$(
        impl<N, T: Contains<N>> Contains<N> for $name<T> {
            const CONTENTS: Contents = T::CONTENTS;
        }

        impl<T: Holds> Holds for $name<T> {
            fn describe_links(trail: &mut Trail, each: &mut dyn FnMut(LinkMeta)) {
                trail.step(Step::Element, |trail| T::describe_links(trail, each));
            }

            fn visit_links(&mut self, trail: &mut Trail, visit: VisitLink<'_>) {
                trail.step(Step::Element, |trail| {
                    for value in self {
                        value.visit_links(trail, visit);
                    }
                });
            }

            fn remove_links(&mut self, is_gone: IsGone<'_>) -> bool {
                self.retain_mut(|it| !it.remove_links(is_gone));
                false
            }

            fn visit_attachments(&self, visit: &mut dyn FnMut(&Attachment)) {
                for value in self {
                    value.visit_attachments(visit);
                }
            }
        }
    )+};
}

sequence!(Vec, VecDeque);

/// What lies in a set cannot be changed there, or not be taken out of the middle of a list: so all of
/// it is taken out and put back.
macro_rules! set {
    ($([$($generics:tt)*] $name:ty),+ $(,)?) => {$(
        impl<N, $($generics)*> Contains<N> for $name
        where
            T: Contains<N>,
        {
            const CONTENTS: Contents = T::CONTENTS;
        }

        impl<$($generics)*> Holds for $name
        where
            T: Holds,
        {
            fn describe_links(trail: &mut Trail, each: &mut dyn FnMut(LinkMeta)) {
                Vec::<T>::describe_links(trail, each);
            }

            fn visit_links(&mut self, trail: &mut Trail, visit: VisitLink<'_>) {
                if T::LINKS {
                    let mut values: Vec<T> = std::mem::take(self).into_iter().collect();
                    values.visit_links(trail, visit);
                    self.extend(values);
                }
            }

            fn remove_links(&mut self, is_gone: IsGone<'_>) -> bool {
                if T::LINKS {
                    let mut values: Vec<T> = std::mem::take(self).into_iter().collect();
                    values.remove_links(is_gone);
                    self.extend(values);
                }
                false
            }

            fn visit_attachments(&self, visit: &mut dyn FnMut(&Attachment)) {
                for value in self {
                    value.visit_attachments(visit);
                }
            }
        }
    )+};
}

set!(
    [T] LinkedList<T>,
    [T: Ord] BinaryHeap<T>,
    [T: Ord] BTreeSet<T>,
    [T: Eq + Hash, S: BuildHasher + Default] HashSet<T, S>,
);

macro_rules! map {
    ($([$($generics:tt)*] $name:ty),+ $(,)?) => {$(
        impl<N, $($generics)*> Contains<N> for $name
        where
            V: Contains<N>,
        {
            const CONTENTS: Contents = V::CONTENTS;
        }

        impl<$($generics)*> Holds for $name
        where
            V: Holds,
        {
            fn describe_links(trail: &mut Trail, each: &mut dyn FnMut(LinkMeta)) {
                trail.step(Step::Entry, |trail| V::describe_links(trail, each));
            }

            fn visit_links(&mut self, trail: &mut Trail, visit: VisitLink<'_>) {
                trail.step(Step::Entry, |trail| {
                    for value in self.values_mut() {
                        value.visit_links(trail, visit);
                    }
                });
            }

            fn remove_links(&mut self, is_gone: IsGone<'_>) -> bool {
                self.retain(|_, it| !it.remove_links(is_gone));
                false
            }

            fn visit_attachments(&self, visit: &mut dyn FnMut(&Attachment)) {
                for value in self.values() {
                    value.visit_attachments(visit);
                }
            }
        }
    )+};
}

map!(
    [K: Ord, V] BTreeMap<K, V>,
    [K: Eq + Hash, V, S: BuildHasher] HashMap<K, V, S>,
);

impl<N, T: Contains<N>, const LEN: usize> Contains<N> for [T; LEN] {
    const CONTENTS: Contents = T::CONTENTS;
}

/// Nothing can be taken out of an array, nor out of a tuple.
impl<T: Holds, const LEN: usize> Holds for [T; LEN] {
    fn describe_links(trail: &mut Trail, each: &mut dyn FnMut(LinkMeta)) {
        trail.step(Step::Element, |trail| T::describe_links(trail, each));
    }

    fn visit_links(&mut self, trail: &mut Trail, visit: VisitLink<'_>) {
        trail.step(Step::Element, |trail| {
            for value in self {
                value.visit_links(trail, visit);
            }
        });
    }

    fn remove_links(&mut self, is_gone: IsGone<'_>) -> bool {
        for value in self {
            value.remove_links(is_gone);
        }
        false
    }

    fn visit_attachments(&self, visit: &mut dyn FnMut(&Attachment)) {
        for value in self {
            value.visit_attachments(visit);
        }
    }
}

macro_rules! tuple {
    ($(($($name:ident $at:tt),+)),+) => {$(
        impl<N, $($name: Contains<N>),+> Contains<N> for ($($name,)+) {
            const CONTENTS: Contents = Contents::NOTHING$(.and($name::CONTENTS))+;
        }

        impl<$($name: Holds),+> Holds for ($($name,)+) {
            fn describe_links(trail: &mut Trail, each: &mut dyn FnMut(LinkMeta)) {
                trail.step(Step::Element, |trail| {
                    $($name::describe_links(trail, each);)+
                });
            }

            fn visit_links(&mut self, trail: &mut Trail, visit: VisitLink<'_>) {
                trail.step(Step::Element, |trail| {
                    $(self.$at.visit_links(trail, visit);)+
                });
            }

            fn remove_links(&mut self, is_gone: IsGone<'_>) -> bool {
                $(self.$at.remove_links(is_gone);)+
                false
            }

            fn visit_attachments(&self, visit: &mut dyn FnMut(&Attachment)) {
                $(self.$at.visit_attachments(visit);)+
            }
        }
    )+};
}

tuple!((A 0), (A 0, B 1), (A 0, B 1, C 2), (A 0, B 1, C 2, D 3));

impl<N, T: Contains<N>> Contains<N> for Box<T> {
    const CONTENTS: Contents = T::CONTENTS;
}

impl<T: Holds> Holds for Box<T> {
    fn describe_links(trail: &mut Trail, each: &mut dyn FnMut(LinkMeta)) {
        T::describe_links(trail, each);
    }

    fn visit_links(&mut self, trail: &mut Trail, visit: VisitLink<'_>) {
        (**self).visit_links(trail, visit);
    }

    fn remove_links(&mut self, is_gone: IsGone<'_>) -> bool {
        (**self).remove_links(is_gone)
    }

    fn visit_attachments(&self, visit: &mut dyn FnMut(&Attachment)) {
        (**self).visit_attachments(visit);
    }
}

/// A value that is shared is copied before its links are changed.
macro_rules! shared {
    ($($name:ident),+) => {$(
        impl<N, T: Contains<N>> Contains<N> for $name<T> {
            const CONTENTS: Contents = T::CONTENTS;
        }

        impl<T: Holds + Clone> Holds for $name<T> {
            fn describe_links(trail: &mut Trail, each: &mut dyn FnMut(LinkMeta)) {
                T::describe_links(trail, each);
            }

            fn visit_links(&mut self, trail: &mut Trail, visit: VisitLink<'_>) {
                if T::LINKS {
                    $name::make_mut(self).visit_links(trail, visit);
                }
            }

            fn remove_links(&mut self, is_gone: IsGone<'_>) -> bool {
                T::LINKS && $name::make_mut(self).remove_links(is_gone)
            }

            fn visit_attachments(&self, visit: &mut dyn FnMut(&Attachment)) {
                (**self).visit_attachments(visit);
            }
        }
    )+};
}

shared!(Arc, Rc);
