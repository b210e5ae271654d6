package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
)

// child is what a process of its own does for the bench: "sqlite N" or "gin".
func child(args []string) error {
	switch {
	case len(args) == 2 && args[0] == "sqlite":
		n, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return rawSQLite(n)
	case len(args) == 1 && args[0] == "gin":
		return bareGin()
	}
	return fmt.Errorf("no such child: %v", args)
}

//go:embed sql/floor-sqlite.sql
var floorSchema string // not read from its file: a child works in a folder that is none of the repository's

// rawSQLite writes the two rows of a sign-up n times by 8 goroutines over one connection, WAL with synchronous=FULL as
// the house has it, and prints the pace.
func rawSQLite(n int) error {
	folder, err := os.MkdirTemp(".", "floor-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	db, err := sql.Open("sqlite", "file:"+folder+"/floor.db?_txlock=immediate&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)")
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	db.SetMaxOpenConns(1)
	if _, err := db.Exec(floorSchema); err != nil {
		return err
	}
	signup, errSignup := db.Prepare("INSERT INTO signup(email,company,status,token_hash,created_at,payload) VALUES (?,'Example Company Ltd','pending',?,?,?)")
	outbox, errOutbox := db.Prepare("INSERT INTO outbox(kind,signup_id,rcpt,run_at,body) VALUES ('verify',?,?,?,?)")
	if err := errors.Join(errSignup, errOutbox); err != nil {
		return err
	}
	payload := strings.Repeat("c4ca4238a0b923820dcc509a6f75849b", 27)[:850]
	self := process{pid: os.Getpid()}
	before, err := self.cpu()
	if err != nil {
		return err
	}
	o := closed(context.Background(), 8, n, time.Minute, func(ctx context.Context, _ int, n int64) error {
		tx, err := db.BeginTx(ctx, nil)
		if err != nil {
			return err
		}
		email, at := fmt.Sprintf("l%d@load.example.test", n), time.Now().UTC().Format(time.RFC3339Nano)
		hash := sha256.Sum256([]byte(email))
		made, err := tx.StmtContext(ctx, signup).ExecContext(ctx, email, hash[:], at, payload)
		if err != nil {
			return errors.Join(err, tx.Rollback())
		}
		id, _ := made.LastInsertId()
		if _, err := tx.StmtContext(ctx, outbox).ExecContext(ctx, id, email, at, `{"link":"https://portal.example.test/verify?t=abcdefabcdefabcdefabcdef"}`); err != nil {
			return errors.Join(err, tx.Rollback())
		}
		return tx.Commit()
	})
	after, err := self.cpu()
	if err := errors.Join(err, o.whole()); err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(pace{PerSecond: o.perSecond(), CPU: (after - before) / time.Duration(o.accepted)})
}

// form is a body of about 650 bytes as a portal takes it.
type form struct {
	Email   string            `json:"email" binding:"required,email,max=254"`
	Company string            `json:"company" binding:"required,max=80"`
	Purpose string            `json:"purpose" binding:"max=500"`
	Answers map[string]string `json:"answers" binding:"required,max=50,dive,max=200"`
}

// formBody is what is posted to a bare Gin.
var formBody = func() string {
	raw, _ := json.Marshal(form{ // strings only: cannot fail
		Email: "maria.lindqvist@fabrikam.example", Company: "Fabrikam GmbH", Purpose: strings.Repeat("Compressor maintenance in hall 3. ", 9),
		Answers: map[string]string{"givenName": "Maria", "surname": "Lindqvist", "reason": "maintain", "site": "Hamburg", "phone": "+49 40 123456",
			"country": "DE", "website": "https://fabrikam.example", "begin": "2026-12-01", "colleague": "lukas.brandt@fabrikam.example"},
	})
	return string(bytes.TrimSpace(raw))
}()

// bareGin serves one GET and one POST until its standard input ends, and prints where.
func bareGin() error {
	gin.SetMode(gin.ReleaseMode)
	engine := gin.New()
	engine.GET("/small", func(c *gin.Context) { c.JSON(http.StatusOK, gin.H{"status": "ok", "version": 1}) })
	engine.POST("/form", func(c *gin.Context) {
		var f form
		if err := c.ShouldBindJSON(&f); err != nil {
			c.JSON(http.StatusBadRequest, gin.H{"error": err.Error()})
			return
		}
		c.JSON(http.StatusOK, gin.H{"status": "ok"})
	})
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(listener.Addr())
	server := &http.Server{Handler: engine, ReadHeaderTimeout: time.Minute}
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		_ = server.Close()
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
