//! What a backend can do beyond the plain contract.

/// One thing that not every backend can do exactly.
///
/// Everything else in the contract is required of all: get, put with every expectation, delete,
/// query with every other operator, sort, seek, limit, skip, count, exists, collections.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Capability {
    /// `begin`, `commit`, `rollback`.
    Transactions,
    /// `savepoint`, `release`, `rollback_to` in a transaction.
    Savepoints,
    /// `Query::lock` and `get_for_update` in a transaction.
    RowLocks,
    /// `advisory_lock` in a transaction.
    AdvisoryLocks,
    /// Isolation levels above the default, and read-only transactions.
    Isolation,
    /// `put_many` is atomic: all or nothing.
    AtomicBatches,
    /// `IndexKind::Unique` is enforced.
    UniqueIndexes,
    /// `Expr::Matches`.
    Regex,
    /// `Expr::AnyElement` and `Expr::AllElements`.
    ElementPredicates,
    /// `update`.
    Patches,
    /// `Expr::Linked`.
    LinkedPredicates,
    /// `explain`.
    Explain,
    /// Computed values in filters, sorts, patches and selections: arithmetic, `Case`, `Coalesce`,
    /// `Call`, and `Select::Values`.
    Expressions,
    /// `group`, `Query::unwind` and `Query::distinct_by`.
    Groups,
    /// `upsert`.
    Upserts,
    /// `IndexKind::Search` and `Query::search`.
    FullText,
    /// `SearchOptions::substrings`.
    SubstringSearch,
    /// `raw_query` and `raw_execute`.
    RawStatements,
    /// `alter` in a transaction, and `RenameCollection`.
    SchemaChanges,
    /// `ConstraintMeta`s: `SchemaChange::CreateConstraint`, `DropConstraint`, `constraints`.
    Constraints,
}

/// A set of [`Capability`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Capabilities(u32);

impl Capability {
    /// Every capability there is.
    pub const ALL: [Self; 20] = [
        Self::Transactions,
        Self::Savepoints,
        Self::RowLocks,
        Self::AdvisoryLocks,
        Self::Isolation,
        Self::AtomicBatches,
        Self::UniqueIndexes,
        Self::Regex,
        Self::ElementPredicates,
        Self::Patches,
        Self::LinkedPredicates,
        Self::Explain,
        Self::Expressions,
        Self::Groups,
        Self::Upserts,
        Self::FullText,
        Self::SubstringSearch,
        Self::RawStatements,
        Self::SchemaChanges,
        Self::Constraints,
    ];

    /// The words for an error message.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Transactions => "transactions",
            Self::Savepoints => "savepoints",
            Self::RowLocks => "row locks",
            Self::AdvisoryLocks => "advisory locks",
            Self::Isolation => "isolation levels",
            Self::AtomicBatches => "atomic batches",
            Self::UniqueIndexes => "unique indexes",
            Self::Regex => "regular expressions",
            Self::ElementPredicates => "predicates over array elements",
            Self::Patches => "patches",
            Self::LinkedPredicates => "filters through a link",
            Self::Explain => "explain",
            Self::Expressions => "computed values",
            Self::Groups => "groups",
            Self::Upserts => "upserts",
            Self::FullText => "full text search",
            Self::SubstringSearch => "search inside of words",
            Self::RawStatements => "raw statements",
            Self::SchemaChanges => "schema changes in a transaction",
            Self::Constraints => "constraints",
        }
    }
}

impl Capabilities {
    /// No capability.
    pub const fn none() -> Self {
        Self(0)
    }

    /// Every capability.
    pub const fn all() -> Self {
        let mut it = Self::none();
        let mut i = 0;
        while i < Capability::ALL.len() {
            it = it.with(Capability::ALL[i]);
            i += 1;
        }
        it
    }

    /// This set and one more.
    #[must_use]
    pub const fn with(self, capability: Capability) -> Self {
        Self(self.0 | 1 << capability as u32)
    }

    /// This set without one.
    #[must_use]
    pub const fn without(self, capability: Capability) -> Self {
        Self(self.0 & !(1 << capability as u32))
    }

    /// Whether the set holds this one.
    pub const fn has(self, capability: Capability) -> bool {
        self.0 & 1 << capability as u32 != 0
    }
}
