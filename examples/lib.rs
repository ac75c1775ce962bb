//! Runnable programs that use den as an application would; see the files beside this one.
