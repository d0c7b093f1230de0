// Package fleet is the vocabulary of machines: a Node with what it holds, where
// it stands, what it may see and what it draws. Nodes of AWS, Google, Azure,
// VMware, OpenStack and bare metal are described alike.
package fleet
