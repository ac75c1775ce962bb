//! Searches for queries that a backend answers otherwise than the reference backend.

use std::{env, fmt::Write as _};

use den_backend::{ExplainMode, memory::MemoryBackend};
use proptest::{
    strategy::{BoxedStrategy, Strategy, ValueTree},
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};
use tokio::{runtime::Handle, task};

use super::{
    answers::Answers,
    documents::{Document, LINKED, Layout, THINGS, documents},
    queries::{Case, case},
    shrink::{Budget, shrink},
};
use crate::harness::TestDb;

/// So many queries are asked of one set of documents.
const QUERIES: u64 = 50;
/// So many sets of documents make up one test.
const SETS: u64 = 12;

/// How many tests there are for each target.
pub(super) fn chunks() -> u64 {
    match env_number("DEN_DIFFERENTIAL_CASES") {
        Some(cases) => cases.div_ceil(QUERIES * SETS).max(1),
        None => 4,
    }
}

fn seed() -> u64 {
    env_number("DEN_DIFFERENTIAL_SEED").unwrap_or(0)
}

fn env_number(name: &str) -> Option<u64> {
    let text = env::var(name).ok()?;
    Some(
        text.parse()
            .unwrap_or_else(|_| panic!("{name} is not a number: {text}")),
    )
}

/// A source of random values, the same for the same numbers.
pub(super) fn runner(purpose: u8, number: u64) -> TestRunner {
    let mut bytes = [purpose; 32];
    bytes[..8].copy_from_slice(&seed().to_le_bytes());
    bytes[8..16].copy_from_slice(&number.to_le_bytes());
    let config = Config {
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

/// A value of this strategy, to be shrunk.
pub(super) fn tree<T: std::fmt::Debug + 'static>(
    strategy: &BoxedStrategy<T>,
    runner: &mut TestRunner,
) -> Box<dyn ValueTree<Value = T>> {
    let tree = strategy.new_tree(runner);
    Box::new(tree.unwrap_or_else(|why| panic!("no value could be made: {why}")))
}

/// Searches the sets of documents that belong to this chunk.
pub(super) fn search(on: &TestDb, chunk: u64) {
    // The trees of proptest stay on one thread, so this is no task.
    task::block_in_place(|| {
        let mut telling = Telling::default();
        for set in 0..SETS {
            search_set(on, chunk * SETS + set, &mut telling);
        }
        let percent = |of: u64| of * 100 / (SETS * QUERIES);
        assert!(
            percent(telling.queries) > 10,
            "too few queries tell documents apart: {telling:?}"
        );
        assert!(
            percent(telling.linked) > 0,
            "too few of them have a link: {telling:?}"
        );
        assert!(
            percent(telling.patches) > 2,
            "too few patches change something: {telling:?}"
        );
        assert!(
            percent(telling.groups) > 2,
            "too few groupings make groups: {telling:?}"
        );
        assert!(
            percent(telling.out_of_range) < 30,
            "too many numbers are out of range: {telling:?}"
        );
    });
}

/// How many of the questions were worth asking.
#[derive(Debug, Default)]
struct Telling {
    /// Queries that some documents match, but not all.
    queries: u64,
    /// Those of them that follow a link.
    linked: u64,
    /// Patches that change a document.
    patches: u64,
    /// Groupings into several groups.
    groups: u64,
    /// Answers that a number out of range stood in the way of.
    out_of_range: u64,
}

/// Searches one set of documents.
fn search_set(on: &TestDb, number: u64, telling: &mut Telling) {
    let mut runner = runner(b'q', number);
    let layouts = Layout::ALL;
    let layout = layouts[usize::try_from(number).unwrap() % layouts.len()];
    let mut document_tree = tree(&documents(), &mut runner);
    let documents = document_tree.current();
    let pair = Pair::new(on, layout);
    if let Err(why) = pair.store(&documents) {
        let mut budget = Budget::new();
        let (documents, _) = shrink(&mut *document_tree, documents, &mut budget, |it| {
            pair.store(it).is_err()
        });
        panic!("{layout:?}: not stored: {why}\n{}", lines(&documents));
    }
    let cases = case();
    for _ in 0..QUERIES {
        let mut case_tree = tree(&cases, &mut runner);
        let case = pair.named(case_tree.current());
        let (expected, found) = pair.ask(&case);
        if !expected.agrees(&found) {
            pair.report(&mut *document_tree, documents, &mut *case_tree, case);
        }
        let tells = expected.is_telling(documents.len());
        let is_linked = !case.query.filter.linked_collections().is_empty();
        telling.queries += u64::from(tells);
        telling.linked += u64::from(tells && is_linked);
        telling.patches += u64::from(expected.has_changed());
        telling.groups += u64::from(expected.has_groups());
        telling.out_of_range += u64::from(expected.is_out_of_range() || found.is_out_of_range());
    }
    pair.drop_collections();
}

/// The backend under test and the reference backend, with the same documents.
pub(super) struct Pair<'a> {
    on: &'a TestDb,
    reference: MemoryBackend,
    layout: Layout,
}

impl<'a> Pair<'a> {
    pub(super) fn new(on: &'a TestDb, layout: Layout) -> Self {
        Self {
            on,
            reference: MemoryBackend::new(),
            layout,
        }
    }

    fn named(&self, mut case: Case) -> Case {
        case.query.collection = THINGS.to_owned();
        let all = self.on.backend.capabilities();
        if let Some(groups) = &mut case.groups {
            groups.query.collection = THINGS.to_owned();
        }
        case.query
            .check(all)
            .unwrap_or_else(|why| panic!("{case:?}: {why}"));
        if let Some(patch) = &case.patch {
            let checked = patch.check(all);
            checked.unwrap_or_else(|why| panic!("{case:?}: {why}"));
        }
        case
    }

    /// Stores the documents in both, in place of others.
    fn store(&self, documents: &[Document]) -> Result<(), String> {
        Handle::current().block_on(self.stored(documents))
    }

    async fn stored(&self, documents: &[Document]) -> Result<(), String> {
        for backend in [&*self.on.backend, &self.reference] {
            let store = async {
                for (name, layout) in [(THINGS, self.layout), (LINKED, self.layout.next())] {
                    backend.drop_collection(name).await?;
                    layout.store(backend, name, documents).await?;
                }
                Ok(())
            };
            let stored: den_backend::Result<()> = store.await;
            stored.map_err(|why| format!("{}: {why:?}", backend.name()))?;
        }
        Ok(())
    }

    fn drop_collections(&self) {
        for name in [THINGS, LINKED] {
            let dropped = self.on.backend.drop_collection(name);
            Handle::current().block_on(dropped).unwrap();
        }
    }

    /// The answers of the reference backend, and of the one under test.
    fn ask(&self, case: &Case) -> (Answers, Answers) {
        Handle::current().block_on(async {
            let expected = Answers::of(&self.reference, case).await;
            (expected, Answers::of(&*self.on.backend, case).await)
        })
    }

    fn disagrees(&self, case: &Case) -> bool {
        let (expected, found) = self.ask(case);
        !expected.agrees(&found)
    }

    /// Shrinks the case and its documents, and fails with what is left.
    fn report(
        &self,
        document_tree: &mut dyn ValueTree<Value = Vec<Document>>,
        mut documents: Vec<Document>,
        case_tree: &mut dyn ValueTree<Value = Case>,
        mut case: Case,
    ) -> ! {
        let mut budget = Budget::new();
        for _ in 0..3 {
            let smaller = shrink(document_tree, documents, &mut budget, |it| {
                self.store(it).is_ok() && self.disagrees(&case)
            });
            documents = smaller.0;
            self.store(&documents).unwrap();
            let also = shrink(case_tree, case, &mut budget, |it| {
                self.disagrees(&self.named(it.clone()))
            });
            case = self.named(also.0);
            if !smaller.1 && !also.1 {
                break;
            }
        }
        let text = Handle::current().block_on(self.difference(&documents, &case));
        panic!(
            "{}",
            text.unwrap_or_else(|| "it only failed once".to_owned())
        );
    }

    /// Says how the answers differ, if they do. The documents are stored.
    async fn difference(&self, documents: &[Document], case: &Case) -> Option<String> {
        let expected = Answers::of(&self.reference, case).await;
        let found = Answers::of(&*self.on.backend, case).await;
        if expected.agrees(&found) {
            return None;
        }
        let mut text = String::new();
        let layout = self.layout;
        let name = self.on.target().name();
        let statement = match self
            .on
            .backend
            .explain(&case.query, ExplainMode::Statement)
            .await
        {
            Ok(explain) => explain.to_string(),
            Err(why) => format!("{why:?}"),
        };
        let documents = lines(documents);
        write!(
            text,
            "the answers differ\n\nindexes: {layout:?}\n{documents}\n{case:#?}\n\n\
             memory: {expected:#?}\n\n{name}: {found:#?}\n\n{statement}"
        )
        .unwrap();
        Some(text)
    }

    /// Stores the documents and checks one case.
    pub(super) async fn check(&self, documents: &[Document], case: Case) -> Result<(), String> {
        self.stored(documents).await?;
        let case = self.named(case);
        self.difference(documents, &case).await.map_or(Ok(()), Err)
    }
}

fn lines(documents: &[Document]) -> String {
    let lines: Vec<String> = documents.iter().map(|it| format!("  {it:?}")).collect();
    lines.join("\n")
}
