// Command bench measures the house and the machine's floor in the same run, in turns, and prints one table.
//
// Wall-clock figures of a shared machine wander by half; the processor's time for one operation does not. So the ratios
// and CPU figures are the ones that are held against a goal, and each repeat measures the floor beside the house.
package main
