//! What may be computed, selected and searched for.

use super::{Checker, Depth, check_text, invalid};
use crate::{
    ArgumentMode, Capability, Error, ErrorKind, Expr, Function, IndexKind, Native, Piece, Query,
    Result, Root, Select, Sort, search::words,
};

/// The most digits that a number is rounded to: a double has no more that are its own.
const MAX_DIGITS: u8 = 15;

impl Query {
    /// Checks that the query is meant for the engine of this name.
    ///
    /// # Errors
    ///
    /// `Unsupported` for what another engine alone can compute.
    pub fn check_engine(&self, engine: &str) -> Result<()> {
        let sorted = self.sort.iter().map(|it| &it.key);
        let selected = match &self.select {
            Select::Values(all) => all.as_slice(),
            Select::Document | Select::Id | Select::Value(_) | Select::Scored => &[],
        };
        let all = [&self.filter]
            .into_iter()
            .chain(sorted)
            .chain(&self.distinct_by)
            .chain(selected);
        all.into_iter().try_for_each(|it| it.check_engine(engine))
    }
}

impl Expr {
    /// Checks that the expression is meant for the engine of this name.
    ///
    /// # Errors
    ///
    /// `Unsupported` for what another engine alone can compute.
    pub fn check_engine(&self, engine: &str) -> Result<()> {
        if let Self::Native(native) = self
            && native.engine != engine
        {
            let message = format!(
                "`{}` is a feature of {}; this database is {engine}",
                native.feature, native.engine
            );
            return Err(Error::new(ErrorKind::Unsupported, message));
        }
        let mut parts = self.parts();
        parts.try_for_each(|it| it.check_engine(engine))
    }
}

impl Checker {
    /// Checks which rows a query is about; answers what its filter may look at.
    pub(super) fn rows(&self, query: &Query) -> Result<Root> {
        let mut root = Root::Document;
        if let Some(path) = &query.unwind {
            self.needs(Capability::Groups)?;
            if path.is_root() || path.is_id() {
                return Err(invalid("what is unwound must be a field of the document"));
            }
            root = Root::Element;
        }
        self.predicate(&query.filter, root, Depth::default())?;
        if let Some(search) = &query.search {
            self.needs(Capability::FullText)?;
            if search.index.kind != IndexKind::Search {
                return Err(invalid("a search needs a search index"));
            }
            if (search.index.search.as_ref()).is_some_and(|it| it.substrings) {
                self.needs(Capability::SubstringSearch)?;
            }
            let terms = search.query.any.iter().flatten();
            for term in terms {
                let fits = term.field.is_none_or(|it| it < search.index.fields.len());
                // What is no word would be read by an engine as its own syntax.
                let are_words = (search.index.search.as_ref()).is_some_and(|it| it.substrings)
                    || (term.words.iter()).all(|it| words(it).eq([it.as_str()]));
                if term.words.is_empty() || !fits || !are_words {
                    return Err(invalid("a term of the search does not fit its index"));
                }
                term.words.iter().try_for_each(|it| check_text(it))?;
            }
        }
        for key in &query.distinct_by {
            self.needs(Capability::Groups)?;
            if query.unwind.is_some() {
                return Err(invalid("what is unwound cannot be made distinct; group it"));
            }
            self.argument(key, Root::Document, Depth::default())?;
            if key.is_constant() {
                return Err(invalid("a constant makes no documents differ"));
            }
        }
        Ok(root)
    }

    pub(super) fn sort_key(&self, sort: &Sort) -> Result<()> {
        if let Some(field) = sort.as_field()
            && (field.root != Root::Document || field.path.is_root())
        {
            return Err(invalid("a sort key must be a field of the document"));
        }
        if sort.key.is_predicate() {
            return Err(invalid(
                "a predicate is no sort key; choose a value by it with a case",
            ));
        }
        self.operand(&sort.key, Root::Document, Depth::default())?;
        if sort.key.is_constant() {
            return Err(invalid("a constant is no sort key"));
        }
        Ok(())
    }

    pub(super) fn selection(&self, query: &Query, root: Root) -> Result<()> {
        let is_of_values = matches!(query.select, Select::Values(_));
        let is_ordered = !query.sort.is_empty() || query.seek.is_some();
        if query.unwind.is_some() && (!is_of_values || is_ordered || query.lock.is_some()) {
            return Err(invalid(
                "what is unwound can be selected, grouped and counted, without order",
            ));
        }
        match &query.select {
            Select::Document | Select::Id => Ok(()),
            Select::Value(path) if path.is_root() => {
                Err(invalid("a selected value must be a field of the document"))
            }
            Select::Value(_) => Ok(()),
            Select::Values(all) => {
                self.needs(Capability::Expressions)?;
                if all.is_empty() {
                    return Err(invalid("nothing is selected"));
                }
                all.iter()
                    .try_for_each(|it| self.argument(it, root, Depth::default()))
            }
            Select::Scored if query.search.is_none() => {
                Err(invalid("only what is searched for has a score"))
            }
            Select::Scored => Ok(()),
        }
    }

    /// Checks an array or object that an operator looks into.
    pub(super) fn container(&self, expr: &Expr, root: Root, depth: Depth) -> Result<()> {
        match expr.is_computed() {
            true => Err(invalid(
                "operators of arrays and objects look into fields, not into computed values",
            )),
            false => self.operand(expr, root, depth),
        }
    }

    /// Checks a value that is part of a computed one, or selected: a predicate is a bool.
    pub(super) fn argument(&self, expr: &Expr, root: Root, depth: Depth) -> Result<()> {
        let depth = depth.within_computed()?;
        match expr.is_predicate() {
            true => self.predicate(expr, root, depth),
            false => self.operand(expr, root, depth),
        }
    }

    /// Checks a computed value.
    pub(super) fn computed(&self, expr: &Expr, root: Root, depth: Depth) -> Result<()> {
        match expr {
            Expr::Arithmetic { op: _, left, right } => {
                self.needs(Capability::Expressions)?;
                self.argument(left, root, depth)?;
                self.argument(right, root, depth)?;
            }
            Expr::Case {
                branches,
                otherwise,
            } => {
                self.needs(Capability::Expressions)?;
                if branches.is_empty() {
                    return Err(invalid("a case needs a condition"));
                }
                for (condition, value) in branches {
                    self.predicate(condition, root, depth.within_computed()?)?;
                    self.argument(value, root, depth)?;
                }
                self.argument(otherwise, root, depth)?;
            }
            Expr::Coalesce(all) => {
                self.needs(Capability::Expressions)?;
                if all.is_empty() {
                    return Err(invalid("`coalesce` needs a value"));
                }
                all.iter()
                    .try_for_each(|it| self.argument(it, root, depth))?;
            }
            Expr::Call {
                function,
                arguments,
            } => {
                self.needs(Capability::Expressions)?;
                check_call(*function, arguments.len())?;
                arguments
                    .iter()
                    .try_for_each(|it| self.argument(it, root, depth))?;
            }
            Expr::Native(native) => return self.native(native, root, depth),
            Expr::Value(_)
            | Expr::Field(_)
            | Expr::Len(_)
            | Expr::Compare { .. }
            | Expr::In { .. }
            | Expr::IsNull(_)
            | Expr::Exists(_)
            | Expr::Text { .. }
            | Expr::Matches { .. }
            | Expr::Contains { .. }
            | Expr::IsEmpty(_)
            | Expr::AnyElement { .. }
            | Expr::AllElements { .. }
            | Expr::HasKey { .. }
            | Expr::Linked { .. }
            | Expr::And(_)
            | Expr::Or(_)
            | Expr::Not(_) => return self.argument(expr, root, depth),
        }
        // A constant is computed where nothing has been sent yet, so that no engine trips over one
        // that no row ever asks for.
        match expr.is_constant() {
            true => crate::evaluate::evaluate(expr, &crate::Value::Null).map(drop),
            false => Ok(()),
        }
    }

    pub(super) fn native(&self, native: &Native, root: Root, depth: Depth) -> Result<()> {
        for piece in &native.pieces {
            match piece {
                Piece::Sql(_) => {}
                Piece::Name(name) => check_name(name, native)?,
                Piece::Argument(at, mode) => {
                    let argument = native.arguments.get(*at);
                    let argument = argument.ok_or_else(|| invalid("an argument is missing"))?;
                    let is_native = matches!(argument, Expr::Native(_));
                    if *mode == ArgumentMode::Native && !is_native {
                        return Err(invalid(
                            "this argument must be of the engine's own type: cast it",
                        ));
                    }
                }
            }
        }
        for argument in &native.arguments {
            self.argument(argument, root, depth)?;
        }
        Ok(())
    }
}

fn check_call(function: Function, arguments: usize) -> Result<()> {
    let (least, most) = function.arity();
    if arguments < least || arguments > most {
        return Err(invalid("a function has too few or too many arguments"));
    }
    match function {
        Function::Round { digits } if digits > MAX_DIGITS => {
            Err(invalid("a number is rounded to at most 15 digits"))
        }
        Function::Now => Err(invalid(
            "the time of the operation is put in before a query is run",
        )),
        Function::Lower
        | Function::Upper
        | Function::Length
        | Function::Trim
        | Function::Substr { .. }
        | Function::Concat
        | Function::Replace
        | Function::Abs
        | Function::Round { .. }
        | Function::Least
        | Function::Greatest
        | Function::Truncate(_)
        | Function::SecondsBetween
        | Function::TypeName => Ok(()),
    }
}

/// Lower case letters, digits and `_`, then maybe numbers in parentheses, then maybe `[]`.
fn check_name(name: &str, native: &Native) -> Result<()> {
    let word = |it: &str| {
        it.starts_with(|it: char| it.is_ascii_lowercase() || it == '_')
            && it
                .chars()
                .all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '_')
    };
    let is_number = |it: &str| !it.is_empty() && it.chars().all(|it| it.is_ascii_digit());
    let base = name.strip_suffix("[]").unwrap_or(name);
    let is_good = match base.split_once('(') {
        None => word(base),
        Some((base, rest)) => {
            word(base)
                && rest
                    .strip_suffix(')')
                    .is_some_and(|it| it.split(',').all(is_number))
        }
    };
    if is_good && name.len() <= 63 {
        return Ok(());
    }
    let message = format!("`{name}` is no name that `{}` can take", native.feature);
    Err(Error::new(ErrorKind::InvalidQuery, message))
}
