// Checks bundles and consistency proofs by the libraries of the Go project, which know nothing of
// ours. Reads cases as JSON, one after the other; prints one line for each: "ok", or why not.
package main

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// A testCase is a bundle, or two checkpoints with the proof that one has grown into the other.
type testCase struct {
	Key    string
	Files  map[string][]byte
	Old    string
	New    string
	Hashes [][]byte
}

type entry struct {
	ID         string
	Body       string
	EventsRoot string `json:"events_root"`
	Events     []struct {
		Position int64
		State    string
		Details  string
		Apart    string
	}
}

func main() {
	cases := json.NewDecoder(bufio.NewReader(os.Stdin))
	for cases.More() {
		var each testCase
		if err := cases.Decode(&each); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(2)
		}
		err := checkBundle(each)
		if each.Files == nil {
			err = checkGrowth(each)
		}
		if err != nil {
			fmt.Println("refused:", strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Println("ok")
		}
	}
}

// openCheckpoint reads a checkpoint that has exactly one signature, by this key.
func openCheckpoint(key, signed string) (tlog.Tree, error) {
	var tree tlog.Tree
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return tree, err
	}
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return tree, err
	}
	if len(opened.Sigs) != 1 || len(opened.UnverifiedSigs) != 0 {
		return tree, errors.New("not exactly one signature")
	}
	if _, err := decode(opened.Sigs[0].Base64, 68); err != nil {
		return tree, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tree, errors.New("no checkpoint of this log")
	}
	if tree.N, err = number(lines[1]); err != nil {
		return tree, err
	}
	tree.Hash, err = hash(lines[2])
	return tree, err
}

func checkGrowth(each testCase) error {
	old, err := openCheckpoint(each.Key, each.Old)
	if err != nil {
		return err
	}
	grown, err := openCheckpoint(each.Key, each.New)
	if err != nil {
		return err
	}
	var proof tlog.TreeProof
	for _, sibling := range each.Hashes {
		if len(sibling) != tlog.HashSize {
			return errors.New("no hash")
		}
		proof = append(proof, *(*tlog.Hash)(sibling))
	}
	return tlog.CheckTree(proof, grown.N, grown.Hash, old.N, old.Hash)
}

func checkBundle(each testCase) error {
	if string(each.Files["log.vkey"]) != each.Key+"\n" {
		return errors.New("log.vkey is another key")
	}
	tree, err := openCheckpoint(each.Key, string(each.Files["checkpoint"]))
	if err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	missing, count := []string{}, 0
	for name, content := range each.Files {
		id := strings.TrimSuffix(name, ".entry")
		if id == name {
			continue
		}
		count++
		proof := string(each.Files[id+".proof"])
		if err := checkInclusion(proof, string(each.Files["checkpoint"]), tree, content); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		left, err := checkNamed(id, content, each.Files)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		missing = append(missing, left...)
	}
	sort.Strings(missing)
	if said := strings.Fields(string(each.Files["left-out"])); strings.Join(said, " ") != strings.Join(missing, " ") {
		return fmt.Errorf("missing: %v, said to be left out: %v", missing, said)
	}
	if count == 0 {
		return errors.New("no entry")
	}
	return nil
}

func checkInclusion(written, checkpoint string, tree tlog.Tree, content []byte) error {
	head, signed, _ := strings.Cut(written, "\n\n")
	lines := strings.Split(head, "\n")
	if signed != checkpoint || len(lines) < 2 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return errors.New("no proof that ends in this checkpoint")
	}
	if !strings.HasPrefix(lines[1], "index ") {
		return errors.New("no index")
	}
	index, err := number(strings.TrimPrefix(lines[1], "index "))
	if err != nil {
		return err
	}
	var proof tlog.RecordProof
	for _, line := range lines[2:] {
		sibling, err := hash(line)
		if err != nil {
			return err
		}
		proof = append(proof, sibling)
	}
	if index >= tree.N {
		return errors.New("the index is outside of the tree")
	}
	return tlog.CheckRecord(proof, tree.N, tree.Hash, index, tlog.RecordHash(content))
}

// checkNamed compares what an entry names with the files; it returns those that are missing.
func checkNamed(id string, content []byte, files map[string][]byte) ([]string, error) {
	var read entry
	if err := json.Unmarshal(content, &read); err != nil {
		return nil, err
	}
	if read.ID != id || read.EventsRoot != "" {
		return nil, errors.New("the entry of another origin, or one without its events")
	}
	var missing []string
	check := func(label, file, named string) error {
		shown, ok := files[file]
		if named == "" || !ok {
			if named != "" {
				missing = append(missing, file)
			}
			return nil
		}
		computed := sha256.New()
		if label != "" {
			salt := files[file+".salt"]
			if len(salt) != 32 {
				return fmt.Errorf("%s: no salt", file)
			}
			computed = hmac.New(sha256.New, salt)
			computed.Write([]byte(label + "\x00"))
		}
		computed.Write(shown)
		if hex.EncodeToString(computed.Sum(nil)) != named {
			return fmt.Errorf("%s is another", file)
		}
		return nil
	}
	err := check("body", id+".body", read.Body)
	for _, event := range read.Events {
		file := fmt.Sprintf("event-%d", event.Position)
		for _, err2 := range []error{
			check("", file+".state", event.State),
			check("", file+".details", event.Details),
			check("apart", file+".apart", event.Apart),
		} {
			if err == nil {
				err = err2
			}
		}
	}
	return missing, err
}

func number(written string) (int64, error) {
	value, err := strconv.ParseInt(written, 10, 64)
	if err != nil || strconv.FormatInt(value, 10) != written || value < 0 {
		return 0, errors.New("no number")
	}
	return value, nil
}

func hash(written string) (tlog.Hash, error) {
	var value tlog.Hash
	decoded, err := decode(written, tlog.HashSize)
	copy(value[:], decoded)
	return value, err
}

func decode(written string, size int) ([]byte, error) {
	decoded, err := base64.StdEncoding.DecodeString(written)
	if err != nil || len(decoded) != size || !bytes.Equal([]byte(base64.StdEncoding.EncodeToString(decoded)), []byte(written)) {
		return nil, errors.New("not written in the one right way")
	}
	return decoded, nil
}
