//! Full text: how well documents fit a search.

use crate::{
    Search, Value,
    search::{Finder, Finds},
};

/// How soon more finds of one term count for less, and how much a long document counts for less: the
/// usual constants of BM25, which SQLite uses too.
const SATURATION: f64 = 1.2;
const LENGTH: f64 = 0.75;

/// The least that a find of a term counts, however common the term is.
const LEAST_RARITY: f64 = 1e-6;

/// A search over the documents of a collection.
pub(super) struct Ranking<'a> {
    search: &'a Search,
    finder: Finder<'a>,
    /// How rare each term is, term by term in the order of the alternatives.
    rarities: Vec<f64>,
    average_length: f64,
}

impl<'a> Ranking<'a> {
    /// Counts how common the terms are.
    pub(super) fn of<'d>(search: &'a Search, documents: impl Iterator<Item = &'d Value>) -> Self {
        let finder = Finder::new(search);
        let terms = search.query.any.iter().map(Vec::len).sum();
        let mut found_in = vec![0.0; terms];
        let mut count = 0.0;
        let mut length = 0.0;
        for document in documents {
            let finds = finder.find(document);
            count += 1.0;
            length += number(finds.length);
            for (found_in, counts) in found_in.iter_mut().zip(&finds.counts) {
                if counts.iter().any(|it| *it > 0) {
                    *found_in += 1.0;
                }
            }
        }
        let rarity = |found_in: f64| f64::ln((count - found_in + 0.5) / (found_in + 0.5));
        Self {
            search,
            finder,
            rarities: found_in
                .into_iter()
                .map(|it| rarity(it).max(LEAST_RARITY))
                .collect(),
            average_length: if length > 0.0 { length / count } else { 1.0 },
        }
    }

    /// How well a document fits; none if it is not found.
    pub(super) fn score(&self, document: &Value) -> Option<f64> {
        let finds = self.finder.find(document);
        finds.is_found.then(|| self.sum(&finds))
    }

    fn sum(&self, finds: &Finds) -> f64 {
        let options = self.search.index.search.as_ref();
        let weights = options.map_or(&[][..], |it| &it.weights);
        let terms = self.search.query.any.iter().flatten();
        let long = 1.0 - LENGTH + LENGTH * number(finds.length) / self.average_length;
        let mut score = 0.0;
        for ((term, rarity), counts) in terms.zip(&self.rarities).zip(&finds.counts) {
            if term.negated {
                continue;
            }
            let found: f64 = weights
                .iter()
                .zip(counts)
                .map(|(weight, count)| weight * number(*count))
                .sum();
            score += rarity * found * (SATURATION + 1.0) / (found + SATURATION * long);
        }
        score
    }
}

#[expect(clippy::cast_precision_loss, reason = "a score is no exact number")]
fn number(count: usize) -> f64 {
    count as f64
}
