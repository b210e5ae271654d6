// Package journeys tells what people experience: one test is one story, told once per house. The words are in package
// story; what strangers try is in package strangers.
package journeys
