// Package config reads every setting of the house, once, at start.
//
// Where a value comes from, the later beating the earlier: the default, config.yaml (VESTIBULE_CONFIG), the environment
// (VESTIBULE_…), flags. Each secret may also be given as a file (VESTIBULE_…_FILE); giving both is a mistake, because
// nobody could tell which one holds. All mistakes are reported at once, each with its remedy ([Mistakes]); what a secret
// says is never repeated.
//
// The fields of [Config] are the one list: the flags, [Config.Print] and the README's table ([Table]) are made of their
// tags. Names are fixed; changing one breaks installations.
//
// Neighbours: app reads a Config and hands each room the few values it needs; no room imports this package.
package config
